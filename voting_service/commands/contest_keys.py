"""`contest rewrap-keys`: replace the master key."""

from __future__ import annotations

from typing import NamedTuple

import click

from voting_service.commands.output import say
from voting_service.commands.runtime import run, terminal_user
from voting_service.contests.keys import rewrap_keys
from voting_service.contests.objections.repository import rewrap_objections
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.retention.master_key import require_independence
from voting_service.settings import Settings, load_new_master_key, load_settings
from voting_service.staff.accounts.repository import rewrap_secrets
from voting_service.staff.audit_log.record import record
from voting_service.staff.messages.contacts import rewrap_contacts
from voting_service.staff.messages.service import rewrap_messages
from voting_service.voting.tally.rebuild import require_owner


class Rewrapped(NamedTuple):
    """How many secrets the new master key protects now that the old one did before."""

    keys: int
    accounts: int


@click.command("rewrap-keys")
def rewrap() -> None:
    """Replace the master key: VOTING_MASTER_KEY is the old one, VOTING_NEW_MASTER_KEY the new one.

    All or nothing, and safe to repeat. Afterwards set VOTING_MASTER_KEY to the new key for every
    process and restart them all; until then they go on with what they have read. Needs
    VOTING_OWNER_DATABASE_URL, as for `migrate`.
    """
    done = run(_rewrap(load_settings(), load_new_master_key()))
    say("contest.keys_rewrapped", keys=done.keys, accounts=done.accounts)


async def _rewrap(settings: Settings, new: bytes) -> Rewrapped:
    old = settings.master_key.get_secret_value()
    owner = await connect(settings.migration_url)
    try:
        await require_owner(owner)
        async with owner.transaction():
            has_person_key = settings.person_key is not None
            await require_independence(owner, old, has_person_key=has_person_key)
            await rewrap_objections(owner, old, new)
            await rewrap_contacts(owner, old, new)
            await rewrap_messages(owner, old, new)
            done = Rewrapped(
                await rewrap_keys(owner, old, new), await rewrap_secrets(owner, old, new)
            )
            await record(
                owner,
                terminal_user(),
                "master_key_changed",
                details={"keys": done.keys, "accounts": done.accounts},
            )
    finally:
        await owner.close()
    return done
