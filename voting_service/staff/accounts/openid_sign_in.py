"""Sign-in of staff through the organisation's OpenID Connect provider.

What is under way is kept in a cookie (`infrastructure/http_clients/authorization_requests.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from hmac import compare_digest
from typing import Literal

from voting_service.errors import NotSignedIn, TokenRefused
from voting_service.infrastructure.http_clients import authorization_requests
from voting_service.infrastructure.http_clients.authorization_requests import (
    AuthorizationRequest,
    check_state,
    new_secrets,
)
from voting_service.infrastructure.http_clients.json_web_tokens import CLOCK_SKEW_SECONDS
from voting_service.infrastructure.http_clients.openid_connect import IdTokenClaims
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.repository import QUERIES, to_account

_LABEL = "office sign-in under way"

Purpose = Literal["sign_in", "confirm", "connect"]


class PendingStaffSignIn(AuthorizationRequest, frozen=True, kw_only=True):
    """A sign-in that was started. `account_id` and `session` (its token) are those of a signed-in
    user who confirms their identity or links their account."""

    purpose: Purpose
    next: str
    account_id: int | None = None
    session: str = ""

    def parameters(self, redirect_uri: str) -> dict[str, str]:
        """Return the parameters of the authorization request. Everything but a plain sign-in asks
        for fresh authentication (OpenID Connect Core, section 3.1.2.1)."""
        fresh = {} if self.purpose == "sign_in" else {"max_age": "0", "prompt": "login"}
        return {**AuthorizationRequest.parameters(self, redirect_uri), **fresh}


def start(
    purpose: Purpose,
    next_path: str,
    now: datetime,
    *,
    account_id: int | None = None,
    session: str = "",
) -> PendingStaffSignIn:
    """Return a new sign-in with random state, nonce and code verifier."""
    return PendingStaffSignIn(
        purpose=purpose, next=next_path, account_id=account_id, session=session, **new_secrets(now)
    )


def encrypt(master_key: bytes, pending: PendingStaffSignIn) -> str:
    """Return the value of the browser's cookie."""
    return authorization_requests.encrypt(master_key, _LABEL, pending)


def decrypt(master_key: bytes, cookie: str, state: str, now: datetime) -> PendingStaffSignIn:
    """Return the sign-in that this browser started. Raises NotSignedIn when it started none, a
    different one, or this one too long ago."""
    pending = authorization_requests.decrypt(master_key, _LABEL, cookie, PendingStaffSignIn)
    check_state(pending, state, now)
    return pending


def check_fresh(claims: IdTokenClaims, pending: PendingStaffSignIn) -> None:
    """Raises TokenRefused unless the person authenticated after the sign-in was started. The
    provider need not honour `max_age`, so `auth_time` is checked (section 3.1.3.7, 13)."""
    if claims.auth_time is None:
        raise TokenRefused("staff.accounts.auth_time_missing")
    if claims.auth_time < pending.started_at.timestamp() - CLOCK_SKEW_SECONDS:
        raise TokenRefused("staff.accounts.auth_time_too_early")


def proved_at(claims: IdTokenClaims, now: datetime) -> datetime:
    """Return when the provider's user authenticated; 1970 where the provider does not say."""
    seconds = max(0, min(claims.auth_time or 0, int(now.timestamp())))
    return datetime.fromtimestamp(seconds, UTC)


async def find_account_by_subject(connection: AnyConnection, subject: str) -> Account:
    """Return the account linked to a user. Raises NotSignedIn without one."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["account_by_subject"], subject)
    if row is None:
        raise NotSignedIn("staff.accounts.no_linked_account")
    return to_account(row)


async def connect_subject(connection: AnyConnection, token: str, subject: str) -> None:
    """Link the account of a session's token to a user. Raises Refused for an expert or when
    another account is linked to the user, and NotSignedIn when the session has ended."""
    with domain_errors():
        await connection.execute(QUERIES["connect_subject"], token, subject)


async def has_subject(connection: AnyConnection, account_id: int, subject: str) -> bool:
    """Return whether the account is linked to this user."""
    with domain_errors():
        connected: str | None = await connection.fetchval(QUERIES["subject_of"], account_id)
    return connected is not None and compare_digest(connected.encode(), subject.encode())
