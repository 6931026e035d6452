"""What people do with accounts and sessions; each is one transaction with its audit log line."""

from __future__ import annotations

from datetime import datetime

from voting_service.errors import NotFound, NotSignedIn
from voting_service.infrastructure.http_clients.openid_connect import IdTokenClaims
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.openid_sign_in import (
    PendingStaffSignIn,
    check_fresh,
    connect_subject,
    find_account_by_subject,
    has_subject,
    proved_at,
)
from voting_service.staff.accounts.repository import (
    change_password,
    disable_account,
    load_account,
)
from voting_service.staff.accounts.sessions import (
    StaffSession,
    VerifiedAccount,
    confirm_session,
    end_all_sessions,
    end_session,
    hash_token,
    load_sessions,
    open_openid_session,
    open_session,
    session_is_open,
)
from voting_service.staff.audit_log.record import record


async def start_session(
    connection: AnyConnection, person: VerifiedAccount, source: str, now: datetime
) -> str:
    """Open a session for somebody who was authenticated and return its token."""
    with domain_errors():
        async with connection.transaction():
            token = await open_session(connection, person, source, now)
            await record(connection, person.account.name, "signed_in", details={"source": source})
    return token


async def confirm_identity(
    connection: AnyConnection, account: Account, session: StaffSession, now: datetime
) -> None:
    """Note that the person proved who they are. The caller has checked the proof."""
    with domain_errors():
        async with connection.transaction():
            await confirm_session(connection, session.token_hash, now)
            await record(connection, account.name, "confirmed_identity")


async def sign_out(
    connection: AnyConnection, account: Account, session: StaffSession, now: datetime
) -> None:
    """End the session in use."""
    with domain_errors():
        async with connection.transaction():
            await end_session(connection, session.token_hash, now)
            await record(connection, account.name, "signed_out")


async def end_account_session(
    connection: AnyConnection, actor: Account, owner: Account, session_id: str, now: datetime
) -> None:
    """End one of the owner's sessions. Raises NotFound when the owner has no such session, also
    when somebody else has."""
    with domain_errors():
        async with connection.transaction():
            sessions = await load_sessions(connection, owner.id, now)
            session = next(
                (candidate for candidate in sessions if candidate.id == session_id), None
            )
            if session is None:
                raise NotFound("staff.accounts.no_such_session")
            await end_session(connection, session.token_hash, now)
            await record(
                connection,
                actor.name,
                "session_ended",
                subject=owner.name,
                details={"source": session.source},
            )


async def change_own_password(
    connection: AnyConnection,
    account: Account,
    token: str,
    password: str,
    now: datetime,
) -> None:
    """Set a new password and end the account's sessions other than that of `token`. Raises
    InvalidInput."""
    with domain_errors():
        async with connection.transaction():
            await change_password(connection, token, password)
            for other in await load_sessions(connection, account.id, now):
                if other.token_hash != hash_token(token):
                    await end_session(connection, other.token_hash, now)
            await record(connection, account.name, "password_changed", subject=account.name)


async def disable(
    connection: AnyConnection, administrator: Account, account: Account, now: datetime
) -> None:
    """Disable an account and end its sessions; a link to reset it enables it again."""
    with domain_errors():
        async with connection.transaction():
            await disable_account(connection, account.name)
            await end_all_sessions(connection, account.id, now)
            await record(connection, administrator.name, "account_disabled", subject=account.name)


async def sign_in_with_openid(
    connection: AnyConnection, claims: IdTokenClaims, source: str, now: datetime
) -> str:
    """Open a session for the account linked to the provider's user and return its token. Raises
    NotSignedIn."""
    with domain_errors():
        async with connection.transaction():
            account = await find_account_by_subject(connection, claims.sub)
            token = await open_openid_session(
                connection, claims.sub, source, now, proved_at=proved_at(claims, now)
            )
            details = {"source": source, "by": "openid"}
            await record(connection, account.name, "signed_in", details=details)
    return token


async def prove_with_openid(
    connection: AnyConnection, pending: PendingStaffSignIn, claims: IdTokenClaims, now: datetime
) -> None:
    """Confirm the identity of the session that started this, or link its account to the
    provider's user. Raises NotSignedIn or TokenRefused."""
    check_fresh(claims, pending)
    assert pending.account_id is not None
    session = hash_token(pending.session)
    with domain_errors():
        async with connection.transaction():
            account = await load_account(connection, pending.account_id)
            if account.disabled:
                raise NotSignedIn("staff.accounts.account_disabled")
            if not await session_is_open(connection, session, account.id):
                raise NotSignedIn("staff.accounts.session_ended")
            if pending.purpose == "connect":
                await connect_subject(connection, pending.session, claims.sub)
                await record(connection, account.name, "account_connected", subject=account.name)
                return
            if not await has_subject(connection, account.id, claims.sub):
                raise NotSignedIn("staff.accounts.other_openid_user")
            if not await confirm_session(connection, session, now):
                raise NotSignedIn("staff.accounts.session_ended")
            details = {"by": "openid"}
            await record(connection, account.name, "confirmed_identity", details=details)
