"""Accounts in Postgres."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import asyncpg
import msgspec

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
)
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.infrastructure.crypto.key_wrapping import rewrap, wrap
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.constraints import CONSTRAINTS
from voting_service.staff.accounts.model import (
    ROLES,
    Account,
    Role,
)
from voting_service.staff.accounts.passwords import hash_password
from voting_service.staff.accounts.second_factor import new_secret

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)

MIN_PASSWORD_CHARACTERS, MAX_PASSWORD_CHARACTERS = 12, 256
MAX_NAME_CHARACTERS = 64
_LATIN = "a-zA-Z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0130\u0134-\u0137\u0139-\u017e"
_LETTER = _LATIN + "\u3400-\u9fff\U00020000-\U000323af"
_SEPARATORS = re.compile("[ ._·-]")
_NAME = re.compile(rf"[{_LETTER}0-9](?:[ ._·-]?[{_LETTER}0-9])*")
"""Latin letters with the accents of European names, Chinese characters and digits; between them a
single space, dot, underscore, hyphen, or the dot of transcribed names."""
RESERVED_NAMES = ("votingservice", "terminal", "commandline", "console")
"""How the names begin, without separators, under which programs write into the audit log."""
_BASE32_SECRET = re.compile(r"[A-Z2-7]{16,128}")


def totp_label(name: str) -> str:
    """Return the label that binds an encrypted secret to its account."""
    return f"account {name} totp"


def plain_name(name: str) -> str:
    """Return the spelling under which a name is stored and searched."""
    return unicodedata.normalize("NFC", name).strip()


def is_account_name(name: str) -> bool:
    """Return whether an account may be called so: in Chinese characters, Latin letters or both,
    and not like a program. The audit log shows names, so none may look like another one's: letters
    of other alphabets, accents on their own, full-width forms and invisible characters are refused.
    """
    return (
        len(name) <= MAX_NAME_CHARACTERS
        and _NAME.fullmatch(name) is not None
        and unicodedata.normalize("NFKC", name) == name
        and not _SEPARATORS.sub("", name).casefold().startswith(RESERVED_NAMES)
    )


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
    if not is_account_name(name):
        faults.append(
            Fault("name", "staff.accounts.name_form", max_name_characters=MAX_NAME_CHARACTERS)
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
    password_hash = await hash_password(new.password)
    wrapped = wrap(master_key, totp_label(name), secret.encode())
    with domain_errors():
        secrets = (password_hash, wrapped, created_at)
        account_id: int = (
            await connection.fetchval(QUERIES["insert_account"], name, new.role, *secrets)
            if new.invitation is None
            else await connection.fetchval(QUERIES["make_account"], new.invitation, name, *secrets)
        )
    return Account(account_id, name, new.role, disabled=False, created_at=created_at), secret


async def rewrap_secrets(connection: AnyConnection, master_key: bytes) -> int:
    """Encrypt every account's TOTP secret with the master key instead of an older one; return how
    many were. Call it in a transaction of the tables' owner. Raises Refused."""
    changed = 0
    with domain_errors():
        for row in await connection.fetch(QUERIES["wrapped_secrets"]):
            rewrapped = rewrap(master_key, totp_label(row["name"]), row["wrapped_totp_secret"])
            if rewrapped is not None:
                await connection.execute(QUERIES["replace_secret"], row["id"], rewrapped)
                changed += 1
    return changed


async def change_password(connection: AnyConnection, token: str, password: str) -> None:
    """Store a new password for the account of a session's token. Raises InvalidInput when it is
    too short, NotSignedIn when the session has ended."""
    faults = password_faults(password)
    if faults:
        raise InvalidInput(*faults)
    password_hash = await hash_password(password)
    with domain_errors():
        await connection.execute(QUERIES["change_password"], token, password_hash)


class NewSecrets(NamedTuple):
    """The password and second factor that an account is reset to."""

    password: str
    totp_secret: str


async def reset_account(
    connection: AnyConnection,
    master_key: bytes,
    account: Account,
    new: NewSecrets,
    invitation: bytes,
) -> None:
    """Store a new password and second factor, remove the link to single sign-on and enable the
    account, by an invitation used in this transaction; the database writes the audit log. Raises
    InvalidInput."""
    faults = _faults(account.name, account.role, new.password, new.totp_secret)
    if faults:
        raise InvalidInput(*faults)
    password_hash = await hash_password(new.password)
    wrapped = wrap(master_key, totp_label(account.name), new.totp_secret.encode())
    with domain_errors():
        await connection.execute(QUERIES["reset_account"], invitation, password_hash, wrapped)


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
