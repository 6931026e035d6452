"""Sessions: a random token in the browser, its SHA-256 in the database.

A session ends after `IDLE` without a request, after `ABSOLUTE` in any case, and at once when it
is ended here or its account is disabled or reset. A session alone allows viewing; actions that
cannot be undone ask for a recent confirmation (`is_confirmed`), so a stolen token cannot
publish.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg
import msgspec

from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.repository import QUERIES, to_account

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=10)
CONFIRMED_FOR = timedelta(minutes=5)
SEEN_EVERY = timedelta(minutes=1)
"""`last_seen_at` is written at most this often, so a session may end up to a minute early."""
KEEP_ENDED = timedelta(days=30)
TOKEN_BYTES = 32


class StaffSession(msgspec.Struct, frozen=True):
    """One signed-in browser; `source` is the network it was opened from."""

    token_hash: bytes
    account_id: int
    source: str
    opened_at: datetime
    last_seen_at: datetime
    confirmed_at: datetime

    @property
    def id(self) -> str:
        """Identifies the session in a list; it is not the token."""
        return self.token_hash.hex()


def is_alive(session: StaffSession, now: datetime) -> bool:
    """Return whether the session is valid at `now`."""
    return now < session.last_seen_at + IDLE and now < session.opened_at + ABSOLUTE


def is_confirmed(session: StaffSession, now: datetime) -> bool:
    """Return whether the person confirmed their identity in the last five minutes."""
    return now < session.confirmed_at + CONFIRMED_FOR


def hash_token(token: str) -> bytes:
    """Return what is stored of a token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def new_token() -> str:
    """Return 256 random bits as text for a cookie or a link."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class VerifiedAccount(NamedTuple):
    """An account whose password somebody knows: `proof` is what the database checks
    (passwords.py); `renewed_hash` replaces a stored hash of older parameters."""

    account: Account
    proof: bytes
    renewed_hash: str | None = None


async def open_session(
    connection: AnyConnection, person: VerifiedAccount, source: str, now: datetime
) -> str:
    """Open a session and return its token, which is not stored. Raises NotSignedIn when the proof
    is not of the account's password."""
    token = new_token()
    with domain_errors():
        await connection.execute(
            QUERIES["open_session"],
            person.account.id,
            person.proof,
            person.renewed_hash,
            hash_token(token),
            source,
            now,
        )
        await connection.execute(QUERIES["forget_sessions"], now - KEEP_ENDED)
    return token


async def open_openid_session(
    connection: AnyConnection, subject: str, source: str, now: datetime, *, proved_at: datetime
) -> str:
    """Open a session for a user of single sign-on, who authenticated at `proved_at`, and return its
    token. Raises NotSignedIn when no account is linked to the user, or an expert's."""
    token = new_token()
    with domain_errors():
        await connection.execute(
            QUERIES["open_openid_session"], subject, hash_token(token), source, now, proved_at
        )
        await connection.execute(QUERIES["forget_sessions"], now - KEEP_ENDED)
    return token


async def find_session(
    connection: AnyConnection, token: str, now: datetime, *, by_itself: bool = False
) -> tuple[Account, StaffSession] | None:
    """Return the account and session of a token; None when it ended, expired or never existed.

    A request that a page sends `by_itself` does not extend the session: otherwise an open chart
    would keep it for ever.
    """
    with domain_errors():
        row = await connection.fetchrow(QUERIES["find_session"], hash_token(token))
        if row is None or not is_alive(session := _to_session(row), now):
            return None
        if not by_itself and now - session.last_seen_at >= SEEN_EVERY:
            await connection.execute(QUERIES["touch_session"], session.token_hash, now)
    return to_account(row), session


async def confirm_session(connection: AnyConnection, token_hash: bytes, now: datetime) -> bool:
    """Store that the person confirmed their identity; False when the session has ended."""
    with domain_errors():
        confirmed = await connection.fetchval(QUERIES["confirm_session"], token_hash, now)
    return confirmed is not None


async def session_is_open(connection: AnyConnection, token_hash: bytes, account_id: int) -> bool:
    """Return whether the account's session has not been ended."""
    with domain_errors():
        is_open: bool = await connection.fetchval(
            QUERIES["session_is_open"], token_hash, account_id
        )
    return is_open


async def end_session(connection: AnyConnection, token_hash: bytes, now: datetime) -> int | None:
    """End a session; return the id of its account, None when there is none to end."""
    with domain_errors():
        account_id: int | None = await connection.fetchval(QUERIES["end_session"], token_hash, now)
    return account_id


async def end_all_sessions(connection: AnyConnection, account_id: int, now: datetime) -> None:
    """End every session of an account."""
    with domain_errors():
        await connection.execute(QUERIES["end_all_sessions"], account_id, now)


async def load_sessions(
    connection: AnyConnection, account_id: int, now: datetime
) -> Sequence[StaffSession]:
    """Return the account's valid sessions, newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["sessions"], account_id)
    return tuple(s for s in map(_to_session, rows) if is_alive(s, now))


def _to_session(row: asyncpg.Record) -> StaffSession:
    fields = StaffSession.__struct_fields__
    return msgspec.convert({field: row[field] for field in fields}, StaffSession)
