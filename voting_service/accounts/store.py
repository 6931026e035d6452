"""Accounts in Postgres: made, listed, disabled."""

from __future__ import annotations

import asyncio
import re
import unicodedata

import asyncpg
import msgspec
from argon2 import PasswordHasher

from voting_service.accounts.model import ROLES, Account, Role
from voting_service.accounts.second_factor import new_secret
from voting_service.clock import Clock, system_clock
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.storage.wrapping import wrap

QUERIES = Queries(__package__)

HASHER = PasswordHasher()
"""argon2id with the library's parameters (RFC 9106, low memory); hashes made with older ones
are renewed at the next sign-in."""

MIN_PASSWORD_CHARACTERS, MAX_PASSWORD_CHARACTERS = 12, 256
MAX_NAME_CHARACTERS = 64
_BASE32_SECRET = re.compile(r"[A-Z2-7]{16,128}")


def totp_label(name: str) -> str:
    """Binds a wrapped secret to its account."""
    return f"account {name} totp"


def plain_name(name: str) -> str:
    """The one spelling under which a name is stored and looked up."""
    return unicodedata.normalize("NFC", name).strip()


def password_faults(password: str) -> list[Fault]:
    """What is wrong with a new password."""
    length_fits = MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS
    if length_fits and password.isprintable():
        return []
    return [
        Fault(
            "password",
            f"must have {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} printable "
            "characters",
            f"密码须为 {MIN_PASSWORD_CHARACTERS} 至 {MAX_PASSWORD_CHARACTERS} 个字符。",
        )
    ]


def _faults(name: str, role: str, password: str, totp_secret: str) -> list[Fault]:
    faults = []
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        faults.append(Fault("name", f"must be 1 to {MAX_NAME_CHARACTERS} printable characters"))
    if role not in ROLES:
        faults.append(Fault("role", f"must be one of {', '.join(ROLES)}"))
    faults += password_faults(password)
    if not _BASE32_SECRET.fullmatch(totp_secret):
        faults.append(Fault("totp_secret", "must be 16 to 128 characters of base32"))
    return faults


async def create_account(
    connection: AnyConnection,
    master_key: bytes,
    name: str,
    role: Role,
    password: str,
    *,
    totp_secret: str | None = None,
    invitation: bytes | None = None,
    clock: Clock = system_clock,
) -> tuple[Account, str]:
    """Stores a new account; returns it with its TOTP secret, which is not shown again.

    `invitation` is the hash of the one that it is made by, used in this transaction. Raises
    InvalidInput with every fault at once, or when the name is taken; SecondPersonRequired when
    the role takes an approved invitation.
    """
    name, secret = plain_name(name), totp_secret or new_secret()
    faults = _faults(name, role, password, secret)
    if faults:
        raise InvalidInput(*faults)
    created_at = clock()
    password_hash = await asyncio.to_thread(HASHER.hash, password)
    wrapped = wrap(master_key, totp_label(name), secret.encode())
    with domain_errors():
        account_id: int = await connection.fetchval(
            QUERIES["insert_account"],
            name,
            role,
            password_hash,
            wrapped,
            created_at,
            invitation,
        )
    return Account(account_id, name, role, disabled=False, created_at=created_at), secret


async def change_password(connection: AnyConnection, account_id: int, password: str) -> None:
    """Raises InvalidInput for a password that is too short."""
    faults = password_faults(password)
    if faults:
        raise InvalidInput(*faults)
    password_hash = await asyncio.to_thread(HASHER.hash, password)
    with domain_errors():
        await connection.execute(QUERIES["change_password"], account_id, password_hash)


async def renew_account(
    connection: AnyConnection,
    master_key: bytes,
    account: Account,
    password: str,
    *,
    totp_secret: str,
    invitation: bytes,
) -> None:
    """Gives an account a new password and second factor, and parts it from the office's own
    sign-in, by an invitation used in this transaction. Raises InvalidInput, or Refused when the
    account is disabled."""
    faults = _faults(account.name, account.role, password, totp_secret)
    if faults:
        raise InvalidInput(*faults)
    password_hash = await asyncio.to_thread(HASHER.hash, password)
    wrapped = wrap(master_key, totp_label(account.name), totp_secret.encode())
    with domain_errors():
        found = await connection.fetchval(
            QUERIES["renew_account"], account.id, password_hash, wrapped, invitation
        )
    if found is None:
        raise Refused(
            f"{account.name} is disabled; invite them anew",
            zh=f"{account.name}的账号已停用，请重新邀请。",
        )


async def spend_code(connection: AnyConnection, account_id: int, step: int) -> None:
    """Takes the code by which a new second factor was proved, so that nobody uses it again."""
    with domain_errors():
        await connection.execute(QUERIES["spend_first_step"], account_id, step)


async def load_account(connection: AnyConnection, account_id: int) -> Account:
    """Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["account"], account_id)
    if row is None:
        raise NotFound(f"there is no account {account_id}")
    return account_of(row)


async def find_account(connection: AnyConnection, name: str) -> Account:
    """Raises NotFound when nobody has this name."""
    for account in await load_accounts(connection):
        if account.name == plain_name(name):
            return account
    raise NotFound(f"there is no account {name!r}; see `voting-service account list`")


async def load_accounts(connection: AnyConnection) -> tuple[Account, ...]:
    """Everybody, disabled or not."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["accounts"])
    return tuple(account_of(row) for row in rows)


async def disable_account(connection: AnyConnection, name: str) -> None:
    """Nobody signs in with it again. Raises NotFound when there is no such account."""
    with domain_errors():
        found = await connection.fetchval(QUERIES["disable_account"], plain_name(name))
    if found is None:
        raise NotFound(f"there is no account {name!r}; see `voting-service account list`")


def account_of(row: asyncpg.Record) -> Account:
    """An account from a row that has its columns among others."""
    return msgspec.convert({field: row[field] for field in Account.__struct_fields__}, Account)
