"""Accounts in Postgres."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from typing import NamedTuple

import asyncpg
import msgspec
from argon2 import PasswordHasher

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.infrastructure.crypto.key_wrapping import wrap
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.constraints import CONSTRAINTS
from voting_service.staff.accounts.model import (
    ROLES,
    Account,
    Role,
)
from voting_service.staff.accounts.second_factor import new_secret

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)

HASHER = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106, low memory); hashes made with older ones
are renewed at the next sign-in."""

MIN_PASSWORD_CHARACTERS, MAX_PASSWORD_CHARACTERS = 12, 256
MAX_NAME_CHARACTERS = 64
_BASE32_SECRET = re.compile(r"[A-Z2-7]{16,128}")


def totp_label(name: str) -> str:
    """Return the label that binds an encrypted secret to its account."""
    return f"account {name} totp"


def plain_name(name: str) -> str:
    """Return the spelling under which a name is stored and searched."""
    return unicodedata.normalize("NFC", name).strip()


def password_faults(password: str) -> list[Fault]:
    """Return what is wrong with a new password."""
    length_fits = MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS
    if length_fits and password.isprintable():
        return []
    return [
        Fault(
            "password",
            "staff.accounts.password_length",
            min_password_characters=MIN_PASSWORD_CHARACTERS,
            max_password_characters=MAX_PASSWORD_CHARACTERS,
        )
    ]


def _faults(name: str, role: str, password: str, totp_secret: str) -> list[Fault]:
    faults = []
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        faults.append(
            Fault(
                "name",
                "staff.accounts.name_length",
                max_name_characters=MAX_NAME_CHARACTERS,
            )
        )
    if role not in ROLES:
        faults.append(Fault("role", "staff.accounts.unknown_role", roles=", ".join(ROLES)))
    faults += password_faults(password)
    if not _BASE32_SECRET.fullmatch(totp_secret):
        faults.append(Fault("totp_secret", "staff.accounts.secret_length"))
    return faults


class NewAccount(NamedTuple):
    """An account to create; without a TOTP secret it gets a fresh one. `invitation` is the hash of
    the invitation used in the same transaction."""

    name: str
    role: Role
    password: str
    totp_secret: str | None = None
    invitation: bytes | None = None


async def create_account(
    connection: AnyConnection, master_key: bytes, new: NewAccount, *, clock: Clock = system_clock
) -> tuple[Account, str]:
    """Store a new account; return it with its TOTP secret, which is not shown again.

    Raises InvalidInput with every fault at once, or when the name is taken; SecondPersonRequired
    when the role needs an approved invitation.
    """
    name, secret = plain_name(new.name), new.totp_secret or new_secret()
    faults = _faults(name, new.role, new.password, secret)
    if faults:
        raise InvalidInput(*faults)
    created_at = clock()
    password_hash = await asyncio.to_thread(HASHER.hash, new.password)
    wrapped = wrap(master_key, totp_label(name), secret.encode())
    with domain_errors():
        account_id: int = await connection.fetchval(
            QUERIES["insert_account"],
            name,
            new.role,
            password_hash,
            wrapped,
            created_at,
            new.invitation,
        )
    return Account(account_id, name, new.role, disabled=False, created_at=created_at), secret


async def change_password(connection: AnyConnection, account_id: int, password: str) -> None:
    """Store a new password. Raises InvalidInput when it is too short."""
    faults = password_faults(password)
    if faults:
        raise InvalidInput(*faults)
    password_hash = await asyncio.to_thread(HASHER.hash, password)
    with domain_errors():
        await connection.execute(QUERIES["change_password"], account_id, password_hash)


async def reset_account(
    connection: AnyConnection,
    master_key: bytes,
    account: Account,
    password: str,
    *,
    totp_secret: str,
    invitation: bytes,
) -> None:
    """Store a new password and second factor and remove the link to single sign-on, by an
    invitation used in this transaction. Raises InvalidInput, or Refused when the account is
    disabled."""
    faults = _faults(account.name, account.role, password, totp_secret)
    if faults:
        raise InvalidInput(*faults)
    password_hash = await asyncio.to_thread(HASHER.hash, password)
    wrapped = wrap(master_key, totp_label(account.name), totp_secret.encode())
    with domain_errors():
        row = await connection.fetchval(
            QUERIES["reset_account"], account.id, password_hash, wrapped, invitation
        )
    if row is None:
        raise Refused("staff.accounts.disabled_invite_again", name=account.name)


async def mark_code_used(connection: AnyConnection, account_id: int, step: int) -> None:
    """Mark the code that proved a new second factor as used."""
    with domain_errors():
        await connection.execute(QUERIES["spend_first_step"], account_id, step)


async def load_account(connection: AnyConnection, account_id: int) -> Account:
    """Return the account. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["account"], account_id)
    if row is None:
        raise NotFound("staff.accounts.no_such_account", account_id=account_id)
    return to_account(row)


async def find_account(connection: AnyConnection, name: str) -> Account:
    """Return the account with this name. Raises NotFound."""
    for account in await load_accounts(connection):
        if account.name == plain_name(name):
            return account
    raise NotFound("staff.accounts.no_account_named", name=name)


async def load_accounts(connection: AnyConnection) -> tuple[Account, ...]:
    """Return all accounts, including disabled ones."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["accounts"])
    return tuple(to_account(row) for row in rows)


async def disable_account(connection: AnyConnection, name: str) -> None:
    """Disable an account, which can then no longer sign in. Raises NotFound."""
    with domain_errors():
        disabled = await connection.fetchval(QUERIES["disable_account"], plain_name(name))
    if disabled is None:
        raise NotFound("staff.accounts.no_account_named", name=name)


def to_account(row: asyncpg.Record) -> Account:
    """Return the account of a row that has its columns among others."""
    return msgspec.convert({field: row[field] for field in Account.__struct_fields__}, Account)
