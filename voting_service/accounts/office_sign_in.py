"""Staff whom the office's own sign-in (OpenID Connect) vouches for.

What was begun in a browser is sealed into a cookie of that browser and comes back with the
provider's answer: nobody else's answer fits, and nothing is kept here meanwhile.
"""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Literal

import msgspec

from voting_service.accounts.model import Account
from voting_service.accounts.store import QUERIES, account_of
from voting_service.errors import NotSignedIn, Refused, TokenRefused
from voting_service.outside.openid import Claims, Grant
from voting_service.outside.signed_tokens import CLOCK_SKEW_SECONDS
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.wrapping import unwrap, wrap

LIFE = timedelta(minutes=10)
_LABEL = "office sign-in under way"

Purpose = Literal["sign_in", "confirm", "connect"]


class Begun(msgspec.Struct, frozen=True):
    """A sign-in under way. `account_id` and `session` (hex) belong to who is signed in already,
    to confirm who they are or to be connected."""

    purpose: Purpose
    state: str
    nonce: str
    code_verifier: str
    next: str
    begun_at: datetime
    account_id: int | None = None
    session: str = ""

    @property
    def challenge(self) -> str:
        """RFC 7636 section 4.2, S256."""
        digest = sha256(self.code_verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def parameters(self, redirect_uri: str) -> dict[str, str]:
        """What the provider is asked. A fresh proof is asked for whenever it is for more than
        looking (OpenID Connect Core, section 3.1.2.1)."""
        fresh = {} if self.purpose == "sign_in" else {"max_age": "0", "prompt": "login"}
        return {
            "scope": "openid",
            "redirect_uri": redirect_uri,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": self.challenge,
            **fresh,
        }

    def grant(self, code: str, redirect_uri: str) -> Grant:
        return Grant(code, self.code_verifier, redirect_uri, self.nonce)


def begin(
    purpose: Purpose,
    wanted: str,
    now: datetime,
    *,
    account_id: int | None = None,
    session: str = "",
) -> Begun:
    """A new one, with everything random."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Begun(purpose, state, nonce, verifier, wanted, now, account_id, session)


def seal(master_key: bytes, begun: Begun) -> str:
    """For the browser's cookie."""
    sealed = wrap(master_key, _LABEL, msgspec.json.encode(begun))
    return base64.urlsafe_b64encode(sealed).decode()


def unseal(master_key: bytes, cookie: str, state: str, now: datetime) -> Begun:
    """What this browser began. Raises NotSignedIn when it began nothing, too long ago, or
    something else."""
    try:
        sealed = base64.urlsafe_b64decode(cookie.encode("ascii", "replace"))
        begun = msgspec.json.decode(unwrap(master_key, _LABEL, sealed), type=Begun)
    except (ValueError, Refused):
        raise NotSignedIn("this browser has begun no sign-in; begin anew") from None
    if not begun.begun_at <= now < begun.begun_at + LIFE:
        raise NotSignedIn("the sign-in took too long; begin anew")
    if not compare_digest(begun.state.encode(), state.encode("utf-8", "replace")):
        raise NotSignedIn("the answer belongs to another sign-in; begin anew")
    return begun


def check_fresh(claims: Claims, begun: Begun) -> None:
    """Raises TokenRefused unless the person proved who they are after this was begun: `max_age`
    is only a wish, `auth_time` says what was done (section 3.1.3.7, 13)."""
    if claims.auth_time is None:
        raise TokenRefused("auth_time: is missing, though a fresh proof was asked for")
    if claims.auth_time < begun.begun_at.timestamp() - CLOCK_SKEW_SECONDS:
        raise TokenRefused("auth_time: is from before this was begun")


def proved_at(claims: Claims, now: datetime) -> datetime:
    """When the provider's user proved who they are: it may have been this morning, and where the
    provider does not say it is taken for long ago."""
    seconds = max(0, min(claims.auth_time or 0, int(now.timestamp())))
    return datetime.fromtimestamp(seconds, UTC)


async def account_of_subject(connection: AnyConnection, subject: str) -> Account:
    """Raises NotSignedIn for a user whom no account is connected with."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["account_by_subject"], subject)
    if row is None:
        raise NotSignedIn(
            "no account is connected with this user; sign in with name, password and code, and "
            "connect it under your account"
        )
    return account_of(row)


async def connect_subject(connection: AnyConnection, account_id: int, subject: str) -> None:
    """Raises Refused when another account is connected with the user."""
    with domain_errors():
        await connection.execute(QUERIES["connect_subject"], account_id, subject)


async def is_subject_of(connection: AnyConnection, account_id: int, subject: str) -> bool:
    """Whether the account is connected with exactly this user."""
    with domain_errors():
        known: str | None = await connection.fetchval(QUERIES["subject_of"], account_id)
    return known is not None and compare_digest(known.encode(), subject.encode())
