"""Invitations: a one-time link by which somebody makes an account, or gets back into theirs.

An administrator names role and reason; name, password and second factor are the invitee's, and
nobody else sees them. The link is good for `LIFE`, once, until it is revoked, and only while who
made it is not disabled. Where the account decides or hands out accounts, a second person approves
the invitation first: else one administrator could make two deciders and decide alone
(`needs_two_people` in the migrations).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import msgspec

from voting_service.accounts.model import Account, Role, require_role
from voting_service.accounts.second_factor import matching_step, new_secret
from voting_service.accounts.sessions import end_all_sessions, hash_token, new_token
from voting_service.accounts.store import (
    QUERIES,
    create_account,
    load_account,
    renew_account,
    spend_code,
)
from voting_service.clock import Clock
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.wrapping import unwrap, wrap

LIFE = timedelta(hours=72)
MAX_NOTE_CHARACTERS = 200
MAX_LISTED = 200
APPROVERS: tuple[Role, ...] = ("administrator", "supervisor")
"""Who may approve what an administrator invited; the database holds the same list."""


class Invitation(msgspec.Struct, frozen=True):
    """`account_id` is whose account it renews, or the account that was made with it; `waits`
    for a second person, and cannot be used before."""

    token_hash: bytes
    role: Role
    note: str
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
        """Names it in a list; worth nothing as a link."""
        return self.token_hash.hex()

    def is_open(self, now: datetime) -> bool:
        """Whether the link can still be used."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


async def invite(
    connection: AnyConnection,
    inviter: Account,
    role: Role,
    note: str,
    now: datetime,
    *,
    renews: Account | None = None,
) -> str:
    """The token of a new link, which is not kept here; with `renews` for an account that lost
    its second factor.

    Raises WrongRole, InvalidInput without a note, Refused for one's own account.
    """
    require_role(inviter, "administrator")
    note = note.strip()
    if not 1 <= len(note) <= MAX_NOTE_CHARACTERS or not note.isprintable():
        raise InvalidInput(
            Fault(
                "note",
                f"say for whom and why, in 1 to {MAX_NOTE_CHARACTERS} characters",
                f"请说明邀请谁、为何邀请，1 至 {MAX_NOTE_CHARACTERS} 个字。",
            )
        )
    if renews is not None and renews.disabled:
        raise Refused(
            f"{renews.name} is disabled; invite them anew",
            zh=f"{renews.name}的账号已停用，请重新邀请。",
        )
    token = new_token()
    with domain_errors():
        async with connection.transaction():
            await connection.execute(
                QUERIES["insert_invitation"],
                hash_token(token),
                renews.role if renews else role,
                note,
                renews.id if renews else None,
                inviter.id,
                now,
                now + LIFE,
            )
            details = {"role": renews.role if renews else role, "note": note}
            subject = renews.name if renews else ""
            await record(connection, inviter.name, "invited", subject=subject, details=details)
    return token


async def find_invitation(connection: AnyConnection, token: str, now: datetime) -> Invitation:
    """What a link is for. Raises NotFound when it is none, or cannot be used any more."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["invitation"], hash_token(token))
    if row is None or not (found := _invitation_of(row)).is_open(now):
        raise NotFound(
            "this link was used, revoked, or has expired; ask for a new one",
            zh="该链接已使用、已撤回或已过期，请向管理员索取新的链接。",
        )
    return found


async def load_invitations(connection: AnyConnection) -> Sequence[Invitation]:
    """The newest ones, open or not."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["invitations"], MAX_LISTED)
    return tuple(_invitation_of(row) for row in rows)


async def revoke(
    connection: AnyConnection, administrator: Account, token_hash: bytes, now: datetime
) -> None:
    """Takes a link back. Raises WrongRole, or Refused when it was used or revoked before."""
    require_role(administrator, "administrator")
    with domain_errors():
        async with connection.transaction():
            note = await connection.fetchval(QUERIES["revoke_invitation"], token_hash, now)
            if note is None:
                raise Refused(
                    "this invitation was used or revoked already", zh="这份邀请已被使用或撤回。"
                )
            await record(
                connection, administrator.name, "invitation_revoked", details={"note": note}
            )


async def approve_invitation(
    connection: AnyConnection, account: Account, token_hash: bytes, now: datetime
) -> None:
    """The second person agrees that the account be made or renewed.

    Raises WrongRole, SecondPersonRequired for who made it or is renewed by it, or Refused when
    it cannot be used any more or was approved before.
    """
    require_role(account, *APPROVERS)
    with domain_errors():
        async with connection.transaction():
            row = await connection.fetchrow(
                QUERIES["approve_invitation"], token_hash, account.id, now
            )
            if row is None:
                raise Refused("this invitation was approved or used, or cannot be used any more")
            await record(connection, account.name, "invitation_approved", details=dict(row))


def sealed_secret(master_key: bytes, invitation: Invitation) -> tuple[str, str]:
    """A fresh second factor for an invitee, and the same sealed for the form that proves it:
    nothing is stored before the proof."""
    secret = new_secret()
    sealed = wrap(master_key, _label(invitation), secret.encode())
    return secret, base64.urlsafe_b64encode(sealed).decode()


def open_secret(master_key: bytes, invitation: Invitation, sealed: str) -> str:
    """Raises Refused when it was not sealed for this invitation."""
    try:
        raw = base64.urlsafe_b64decode(sealed.encode())
    except ValueError:
        raw = b""
    if len(raw) <= 12:
        raise Refused(
            "the form is not whole; open the link again", zh="表单不完整，请重新打开链接。"
        )
    return unwrap(master_key, _label(invitation), raw).decode()


def _label(invitation: Invitation) -> str:
    return f"invitation {invitation.id}"


async def accept(
    connection: AnyConnection,
    master_key: bytes,
    invitation: Invitation,
    *,
    name: str,
    password: str,
    totp_secret: str,
    code: str,
    clock: Clock,
) -> Account:
    """The account that the invitee made or renewed; the link is used up.

    Raises InvalidInput with every fault, SecondPersonRequired while it waits for approval, or
    Refused when somebody was quicker with the link.
    """
    now = clock()
    step = matching_step(totp_secret, code, now)
    if step is None:
        raise InvalidInput(Fault("code", "is not the code that the app shows now"))
    with domain_errors():
        async with connection.transaction():
            taken = await connection.fetchval(QUERIES["use_invitation"], invitation.token_hash, now)
            if taken is None:
                raise Refused(
                    "this link was used, revoked, or has expired; ask for a new one",
                    zh="该链接已使用、已撤回或已过期，请向管理员索取新的链接。",
                )
            if invitation.account_id is None:
                account, _ = await create_account(
                    connection,
                    master_key,
                    name,
                    invitation.role,
                    password,
                    totp_secret=totp_secret,
                    invitation=invitation.token_hash,
                    clock=clock,
                )
                await connection.execute(
                    QUERIES["fill_invitation"], invitation.token_hash, account.id
                )
            else:
                account = await load_account(connection, invitation.account_id)
                await renew_account(
                    connection,
                    master_key,
                    account,
                    password,
                    totp_secret=totp_secret,
                    invitation=invitation.token_hash,
                )
                await end_all_sessions(connection, account.id, now)
            await spend_code(connection, account.id, step)
            await record(
                connection,
                account.name,
                "account_made" if invitation.account_id is None else "account_renewed",
                subject=account.name,
                details={"role": account.role, "invited_by": invitation.inviter},
            )
    return account


def _invitation_of(row: asyncpg.Record) -> Invitation:
    return msgspec.convert(dict(row), Invitation)
