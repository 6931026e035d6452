"""Sign-in with password and one-time code or passkey; one answer for every wrong combination.

A failed attempt delays only its source (a terminal's user, a known device, a network): after a few
free ones each doubles the delay. Guessing from many sources does not help, because password and
code must be right at the same time and a code is valid for ninety seconds.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

import asyncpg

from voting_service.errors import NotSignedIn
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.infrastructure.crypto.key_wrapping import unwrap
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.failed_sign_ins import FORGET_AFTER, begin_try
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.passkeys import PasskeyAnswer, use_passkey
from voting_service.staff.accounts.passwords import hash_password, prove_password, renew_hash
from voting_service.staff.accounts.repository import (
    MAX_NAME_CHARACTERS,
    MAX_PASSWORD_CHARACTERS,
    QUERIES,
    plain_name,
    to_account,
    totp_label,
)
from voting_service.staff.accounts.second_factor import matching_step
from voting_service.staff.accounts.sessions import VerifiedAccount


class SignInAttempt(NamedTuple):
    """What somebody typed to sign in; `source` is the terminal's user, a device or a network. Where
    a passkey signed, no code is looked at."""

    name: str
    password: str
    code: str
    source: str = ""
    passkey: PasskeyAnswer | None = None


async def authenticate(
    connection: AnyConnection,
    master_key: bytes,
    attempt: SignInAttempt,
    *,
    clock: Clock = system_clock,
) -> VerifiedAccount:
    """Check name, password and code or passkey, mark the code as used, and return the account with
    the proof that opens a session. Call it outside a transaction, so that attempts are counted.

    Raises NotSignedIn, TooManyTries, or Refused when the master key does not fit.
    """
    now, source = clock(), attempt.source
    name = plain_name(attempt.name)[:MAX_NAME_CHARACTERS]
    password = attempt.password[:MAX_PASSWORD_CHARACTERS]
    if not name.isprintable():
        name = ""  # nobody's, and Postgres could not even look for some of them
    wrong = NotSignedIn("staff.accounts.wrong_credentials")
    with domain_errors():
        await begin_try(connection, name, source, now)
        row = await connection.fetchrow(QUERIES["credentials"], name)
        if row is None:
            with suppress(UnicodeEncodeError):
                await hash_password(password)  # so that the answer takes as long
            raise wrong
        proof = await prove_password(row["password_hash"], password)
        if proof is None or row["disabled"]:
            raise wrong
        if attempt.passkey is not None:
            await use_passkey(connection, row["id"], attempt.passkey, now)
        else:
            await _use_code(connection, master_key, row, attempt.code, now=now)
        await connection.execute(QUERIES["forget_failures"], name, source, now - FORGET_AFTER)
    return VerifiedAccount(to_account(row), proof, await renew_hash(row["password_hash"], password))


async def _use_code(
    connection: AnyConnection, master_key: bytes, row: asyncpg.Record, code: str, *, now: datetime
) -> None:
    secret = unwrap(master_key, totp_label(row["name"]), row["wrapped_totp_secret"]).decode()
    step = matching_step(secret, code, now)
    if step is None:
        raise NotSignedIn("staff.accounts.wrong_credentials")
    used = await connection.fetchval(
        QUERIES["spend_totp_step"],
        row["id"],
        step,
        row["password_hash"],
        row["wrapped_totp_secret"],
    )
    if used is None:
        raise NotSignedIn("staff.accounts.code_already_used")


async def know_password(
    connection: AnyConnection, account: Account, password: str
) -> VerifiedAccount:
    """Return the account with the proof of its password. Raises NotSignedIn for another one."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["credentials"], account.name)
    proof = None if row is None else await prove_password(row["password_hash"], password)
    if proof is None:
        raise NotSignedIn("staff.accounts.wrong_credentials")
    return VerifiedAccount(account, proof)


async def prove_again(
    connection: AnyConnection,
    master_key: bytes,
    account: Account,
    proof: str | PasskeyAnswer,
    *,
    clock: Clock = system_clock,
    source: str = "",
) -> None:
    """Check the password, a one-time code or a passkey of a signed-in user.

    Failed attempts count as at the sign-in. Raises NotSignedIn or TooManyTries.
    """
    now = clock()
    with domain_errors():
        await begin_try(connection, account.name, source, now)
        row = await connection.fetchrow(QUERIES["credentials"], account.name)
        if row is None or row["disabled"]:
            raise NotSignedIn("staff.accounts.account_disabled")
        if isinstance(proof, PasskeyAnswer):
            await use_passkey(connection, account.id, proof, now)
        else:
            await _prove_typed(connection, master_key, row, proof[:MAX_PASSWORD_CHARACTERS], now)
        await connection.execute(
            QUERIES["forget_failures"], account.name, source, now - FORGET_AFTER
        )


async def _prove_typed(
    connection: AnyConnection, master_key: bytes, row: asyncpg.Record, proof: str, now: datetime
) -> None:
    """Check a typed password or one-time code. Raises NotSignedIn."""
    secret = unwrap(master_key, totp_label(row["name"]), row["wrapped_totp_secret"]).decode()
    if matching_step(secret, proof, now) is not None:
        await _use_code(connection, master_key, row, proof, now=now)
    elif await prove_password(row["password_hash"], proof) is None:
        raise NotSignedIn("staff.accounts.wrong_password_or_code")
