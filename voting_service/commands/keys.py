"""`keys`: replace the keys that encrypt what is stored."""

from __future__ import annotations

from typing import NamedTuple

import click

from voting_service.commands.nomination import make_operator, owner, show_rows
from voting_service.commands.output import say
from voting_service.commands.runtime import run, terminal_user
from voting_service.contests.keys import rewrap_keys
from voting_service.contests.objections.repository import rewrap_objections
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.nomination.retention.rotate_keys import rotate_keys
from voting_service.settings import load_settings
from voting_service.staff.accounts.repository import rewrap_secrets
from voting_service.staff.audit_log.record import record
from voting_service.staff.messages.contacts import rewrap_contacts
from voting_service.staff.messages.service import rewrap_messages
from voting_service.voting.tally.rebuild import require_owner


class Rewrapped(NamedTuple):
    """How many values the master key encrypts now that an older one did before."""

    keys: int
    accounts: int
    contacts: int
    messages: int
    objections: int


@click.group()
def keys() -> None:
    """Replace the keys that encrypt what is stored."""


@keys.command("rotate")
@click.option("--dry-run", is_flag=True, help="Count what would change, and change nothing.")
def rotate(dry_run: bool) -> None:
    """Encrypt everything with the first key of VOTING_MASTER_KEY and of VOTING_PERSONAL_KEYS.

    Before, every process must have been restarted with the new key in front of the old one;
    afterwards the old key can be removed. What the master key encrypts changes in one transaction,
    personal data of the nomination in batches: start the command again if it was interrupted.
    Needs VOTING_OWNER_DATABASE_URL, as `migrate` does.
    """
    run(_rotate(dry_run))


async def _rotate(dry_run: bool) -> None:
    settings = load_settings()
    master_key = settings.master_key.get_secret_value()
    async with owner(settings) as connection:
        await require_owner(connection)
        transaction = connection.transaction()
        await transaction.start()
        try:
            changed = await _rewrap(connection, master_key)
        except BaseException:
            await transaction.rollback()
            raise
        if dry_run:
            await transaction.rollback()
            say("keys.would_rotate", values=sum(changed))
            return
        await transaction.commit()
        with show_rows() as progress:
            personal = await rotate_keys(make_operator(connection, settings), progress)
    say("keys.rotated", values=sum(changed), personal=personal)


async def _rewrap(connection: Connection, master_key: bytes) -> Rewrapped:
    changed = Rewrapped(
        await rewrap_keys(connection, master_key),
        await rewrap_secrets(connection, master_key),
        await rewrap_contacts(connection, master_key),
        await rewrap_messages(connection, master_key),
        await rewrap_objections(connection, master_key),
    )
    await record(connection, terminal_user(), "master_key_changed", details=changed._asdict())
    return changed
