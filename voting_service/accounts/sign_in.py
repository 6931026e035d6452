"""Signing in: password and one-time code together, one answer for every way to be wrong.

A wrong try costs only the place it came from (`source`: a terminal's user, a network): after
a few free ones each doubles the wait there, and nobody else waits. Guessing from many places
gains nothing, because password and code must be right at the same time and a code lives for
ninety seconds.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import cache

from argon2.exceptions import InvalidHashError, VerificationError

from voting_service.accounts.model import Account
from voting_service.accounts.second_factor import matching_step
from voting_service.accounts.store import (
    HASHER,
    MAX_NAME_CHARACTERS,
    MAX_PASSWORD_CHARACTERS,
    QUERIES,
    account_of,
    plain_name,
    totp_label,
)
from voting_service.clock import Clock, system_clock
from voting_service.errors import NotSignedIn, Refused
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.wrapping import unwrap

FREE_TRIES = 5
LONGEST_DELAY_SECONDS = 900
_FORGET_AFTER = timedelta(days=1)


class TooManyTries(Refused):
    """Too many wrong tries from this place; `retry_after_seconds` says when to come back."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            f"too many wrong tries from here; try again in {retry_after_seconds} seconds"
        )
        self.retry_after_seconds = retry_after_seconds


@cache
def _hash_of_nobody() -> str:
    """Checked against when there is no such account, so that the answer takes as long."""
    return HASHER.hash("nobody's password")


def _renewed_hash(password_hash: str, password: str) -> str | None:
    """The hash to keep when the password is right, else None. Burns a tenth of a second."""
    try:
        HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return None
    return HASHER.hash(password) if HASHER.check_needs_rehash(password_hash) else password_hash


async def _begin_try(connection: AnyConnection, name: str, source: str, now: datetime) -> None:
    tries = await connection.fetchval(
        QUERIES["begin_try"], name, source, now, FREE_TRIES, LONGEST_DELAY_SECONDS
    )
    if tries is None:
        retry_at: datetime | None = await connection.fetchval(QUERIES["retry_at"], name, source)
        raise TooManyTries(max(1, int((retry_at - now).total_seconds()) + 1) if retry_at else 1)


async def authenticate(
    connection: AnyConnection,
    master_key: bytes,
    name: str,
    password: str,
    code: str,
    *,
    clock: Clock = system_clock,
    source: str = "",
) -> Account:
    """The account, its one-time code spent. Call it outside a transaction: tries must count.

    Raises NotSignedIn, TooManyTries, or Refused when the master key is another one.
    """
    now = clock()
    name, password = plain_name(name)[:MAX_NAME_CHARACTERS], password[:MAX_PASSWORD_CHARACTERS]
    if not name.isprintable():
        name = ""  # nobody's, and Postgres could not even look for some of them
    wrong = NotSignedIn("the name, the password or the code is wrong, or the account is disabled")
    with domain_errors():
        await _begin_try(connection, name, source, now)
        row = await connection.fetchrow(QUERIES["credentials"], name)
        password_hash = row["password_hash"] if row else _hash_of_nobody()
        kept_hash = await asyncio.to_thread(_renewed_hash, password_hash, password)
        if row is None or kept_hash is None or row["disabled"]:
            raise wrong
        secret = unwrap(master_key, totp_label(name), row["wrapped_totp_secret"]).decode()
        step = matching_step(secret, code, now)
        if step is None:
            raise wrong
        spent = await connection.fetchval(
            QUERIES["spend_totp_step"],
            row["id"],
            step,
            kept_hash,
            row["password_hash"],
            row["wrapped_totp_secret"],
        )
        if spent is None:
            raise NotSignedIn("this code was used already; wait for the next one")
        await connection.execute(QUERIES["forget_failures"], name, source, now - _FORGET_AFTER)
    return account_of(row)


async def prove_again(
    connection: AnyConnection,
    master_key: bytes,
    account: Account,
    proof: str,
    *,
    clock: Clock = system_clock,
    source: str = "",
) -> None:
    """Somebody who is signed in shows the password, or a one-time code, again.

    Wrong tries count as at the sign-in. Raises NotSignedIn or TooManyTries.
    """
    now, proof = clock(), proof[:MAX_PASSWORD_CHARACTERS]
    with domain_errors():
        await _begin_try(connection, account.name, source, now)
        row = await connection.fetchrow(QUERIES["credentials"], account.name)
        if row is None or row["disabled"]:
            raise NotSignedIn("the account is disabled")
        secret = unwrap(master_key, totp_label(account.name), row["wrapped_totp_secret"]).decode()
        step = matching_step(secret, proof, now)
        if step is None:
            kept_hash = await asyncio.to_thread(_renewed_hash, row["password_hash"], proof)
            if kept_hash is None:
                raise NotSignedIn("the password or the code is wrong")
        elif (
            await connection.fetchval(
                QUERIES["spend_totp_step"],
                account.id,
                step,
                row["password_hash"],
                row["password_hash"],
                row["wrapped_totp_secret"],
            )
            is None
        ):
            raise NotSignedIn("this code was used already; wait for the next one")
        await connection.execute(
            QUERIES["forget_failures"], account.name, source, now - _FORGET_AFTER
        )
