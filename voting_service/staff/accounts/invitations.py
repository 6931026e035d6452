"""Invitations: a one-time link to create an account, or to reset one's sign-in.

An administrator gives role and reason; the invited person chooses name, password and second
factor, which nobody else sees. The link works once and for `INVITATION_HOURS`, until it is
withdrawn, and only while its creator is not disabled. Where the account may approve or create
accounts, a second person approves the invitation first: otherwise one administrator could create
two approvers and act alone (`needs_two_people` in migrations/schema/staff.sql).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg
import msgspec

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.crypto.key_wrapping import unwrap, wrap
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import (
    Account,
    Role,
    require_role,
)
from voting_service.staff.accounts.repository import (
    QUERIES,
    NewAccount,
    NewSecrets,
    create_account,
    is_account_name,
    load_account,
    mark_code_used,
    plain_name,
    reset_account,
)
from voting_service.staff.accounts.second_factor import matching_step, new_secret
from voting_service.staff.accounts.sessions import (
    end_all_sessions,
    hash_token,
    new_token,
)
from voting_service.staff.audit_log.record import record

INVITATION_HOURS = 72
MAX_NOTE_CHARACTERS = 200
MAX_LISTED = 200
APPROVERS: tuple[Role, ...] = ("administrator", "supervisor")
"""Who may approve an invitation; the database has the same list."""


class Invitation(msgspec.Struct, frozen=True):
    """An invitation. `account_id` is the account that it resets or created; while it `waits` for a
    second person it cannot be used."""

    token_hash: bytes
    role: Role
    note: str
    unit: str
    account_id: int | None
    account_name: str | None
    inviter: str
    invited_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    approver: str | None
    waits: bool

    @property
    def id(self) -> str:
        """Identifies the invitation in a list; it is not the link."""
        return self.token_hash.hex()

    def is_open(self, now: datetime) -> bool:
        """Return whether the link is still valid."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


async def invite(
    connection: AnyConnection, inviter: Account, role: Role, note: str, now: datetime
) -> str:
    """Create a link for a new account and return its token, which is not stored.

    Raises WrongRole, or InvalidInput without a note.
    """
    return await _create_link(connection, inviter, InvitedPerson(role, note), now)


async def invite_to_reset(
    connection: AnyConnection, inviter: Account, account: Account, note: str, now: datetime
) -> str:
    """Create a link for an account that lost its second factor, or was disabled and is to be
    enabled again, and return its token. Raises as `invite`."""
    return await _create_link(connection, inviter, InvitedPerson(account.role, note, account), now)


class InvitedPerson(NamedTuple):
    """Whom an invitation is for: somebody new, or the owner of `account`."""

    role: Role
    note: str
    account: Account | None = None


async def _create_link(
    connection: AnyConnection, inviter: Account, person: InvitedPerson, now: datetime
) -> str:
    require_role(inviter, "administrator")
    note, account = person.note.strip(), person.account
    if not 1 <= len(note) <= MAX_NOTE_CHARACTERS or not note.isprintable():
        raise InvalidInput(
            Fault(
                "note",
                "staff.accounts.note_length",
                max_note_characters=MAX_NOTE_CHARACTERS,
            )
        )
    token = new_token()
    with domain_errors():
        async with connection.transaction():
            await connection.execute(
                QUERIES["insert_invitation"],
                hash_token(token),
                person.role,
                note,
                account.id if account else None,
                inviter.id,
                now,
                now + timedelta(hours=INVITATION_HOURS),
            )
            details = {"role": person.role, "note": note}
            subject = account.name if account else ""
            await record(connection, inviter.name, "invited", subject=subject, details=details)
    return token


async def find_invitation(connection: AnyConnection, token: str, now: datetime) -> Invitation:
    """Return the invitation of a link. Raises NotFound when there is no valid one."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["invitation"], hash_token(token))
    if row is None or not (invitation := _to_invitation(row)).is_open(now):
        raise NotFound("staff.accounts.link_invalid")
    return invitation


async def suggest_name(connection: AnyConnection, invitation: Invitation, name: str) -> str:
    """Return a free account name for somebody whose name another person has: with their unit, else
    with a number. "" where there is none."""
    unit = "".join(letter for letter in invitation.unit if letter.isalnum())
    endings = [unit, *map(str, range(2, 100))]
    names = [f"{plain_name(name)}-{ending}" for ending in endings if ending]
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["taken_names"], [candidate.lower() for candidate in names]
        )
    taken = {row["name"] for row in rows}
    return next((n for n in names if n.lower() not in taken and is_account_name(n)), "")


async def load_units(connection: AnyConnection) -> Mapping[int, str]:
    """Return the unit of each account that was invited for one, by account id."""
    with domain_errors():
        return {row["account_id"]: row["unit"] for row in await connection.fetch(QUERIES["units"])}


async def load_invitations(connection: AnyConnection) -> Sequence[Invitation]:
    """Return the newest invitations, open or not."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["invitations"], MAX_LISTED)
    return tuple(_to_invitation(row) for row in rows)


async def revoke(
    connection: AnyConnection, administrator: Account, token_hash: bytes, now: datetime
) -> None:
    """Withdraw a link. Raises WrongRole, or Refused when it was already used or withdrawn."""
    require_role(administrator, "administrator")
    with domain_errors():
        async with connection.transaction():
            note = await connection.fetchval(QUERIES["revoke_invitation"], token_hash, now)
            if note is None:
                raise Refused("staff.accounts.invitation_closed")
            await record(
                connection, administrator.name, "invitation_revoked", details={"note": note}
            )


async def approve_invitation(
    connection: AnyConnection, account: Account, token_hash: bytes, now: datetime
) -> None:
    """Approve an invitation as the second person.

    Raises WrongRole; SecondPersonRequired for its creator or the person whose account it resets;
    Refused when it is no longer valid or was already approved.
    """
    require_role(account, *APPROVERS)
    with domain_errors():
        async with connection.transaction():
            row = await connection.fetchrow(
                QUERIES["approve_invitation"], token_hash, account.id, now
            )
            if row is None:
                raise Refused("staff.accounts.invitation_not_approvable")
            await record(connection, account.name, "invitation_approved", details=dict(row))


class OfferedSecret(NamedTuple):
    """A second factor for an invitee, plain and encrypted for the form that proves it: nothing is
    stored before the proof."""

    secret: str
    encrypted: str


def new_encrypted_secret(master_key: bytes, invitation: Invitation) -> OfferedSecret:
    """Return a fresh second factor."""
    secret = new_secret()
    encrypted = wrap(master_key, _label(invitation), secret.encode())
    return OfferedSecret(secret, base64.urlsafe_b64encode(encrypted).decode())


def decrypt_secret(master_key: bytes, invitation: Invitation, encrypted: str) -> str:
    """Decrypt the second factor of the form. Raises Refused when it is of another invitation."""
    try:
        raw = base64.urlsafe_b64decode(encrypted.encode())
    except ValueError:
        raw = b""
    if len(raw) <= 12:
        raise Refused("staff.accounts.form_incomplete")
    return unwrap(master_key, _label(invitation), raw).decode()


def _label(invitation: Invitation) -> str:
    return f"invitation {invitation.id}"


class InvitationForm(NamedTuple):
    """What an invited person chose, and the code that proves the second factor."""

    name: str
    password: str
    totp_secret: str
    code: str


async def accept(
    connection: AnyConnection,
    master_key: bytes,
    invitation: Invitation,
    form: InvitationForm,
    *,
    clock: Clock,
) -> Account:
    """Create or reset the account with an invitation, which is then used; return the account.

    Raises InvalidInput with every fault, SecondPersonRequired while it waits for approval, or
    Refused when the link was used at the same time.
    """
    now = clock()
    step = matching_step(form.totp_secret, form.code, now)
    if step is None:
        raise InvalidInput(Fault("code", "staff.accounts.wrong_code"))
    with domain_errors():
        async with connection.transaction():
            taken = await connection.fetchval(QUERIES["use_invitation"], invitation.token_hash, now)
            if taken is None:
                raise Refused("staff.accounts.link_invalid")
            if invitation.account_id is None:
                account, _ = await create_account(
                    connection,
                    master_key,
                    NewAccount(
                        form.name,
                        invitation.role,
                        form.password,
                        form.totp_secret,
                        invitation.token_hash,
                    ),
                    clock=clock,
                )
                await connection.execute(
                    QUERIES["fill_invitation"], invitation.token_hash, account.id
                )
            else:
                account = await load_account(connection, invitation.account_id)
                await reset_account(
                    connection,
                    master_key,
                    account,
                    NewSecrets(form.password, form.totp_secret),
                    invitation.token_hash,
                )
                await end_all_sessions(connection, account.id, now)
            await mark_code_used(connection, account.id, step)
            if invitation.account_id is None:
                await record(
                    connection,
                    account.name,
                    "account_made",
                    subject=account.name,
                    details={"role": account.role, "invited_by": invitation.inviter},
                )
    return account


def _to_invitation(row: asyncpg.Record) -> Invitation:
    return msgspec.convert(dict(row), Invitation)
