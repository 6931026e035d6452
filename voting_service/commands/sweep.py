"""`sweep`: examine a contest's ballots now, not only at night."""

from __future__ import annotations

import click

from voting_service.accounts.model import require_role
from voting_service.background.sweep import sweep as examine_ballots
from voting_service.commands.running import database, run
from voting_service.commands.staff import as_option, authenticate_staff
from voting_service.contests.store import load_contest
from voting_service.decisions.model import DECIDERS
from voting_service.rulings.hold_files import ImportedHold
from voting_service.settings import Settings, load_settings
from voting_service.storage.database_clock import database_time


@click.command()
@click.argument("contest")
@as_option
def sweep(contest: str, name: str) -> None:
    """Examine the ballots of CONTEST and put what is found on hold, for two people to rule.

    `work` does so every night and at the close. It may take minutes; nothing waits for it.
    """
    holds = run(_sweep(load_settings(), contest, name))
    made = [hold for hold in holds if hold.is_new]
    for hold in made:
        click.echo(f"hold {hold.hold_id}: {hold.ballots} ballots")
    click.echo(f"{len(holds)} campaigns, {len(made)} new holds")


async def _sweep(settings: Settings, slug: str, name: str) -> tuple[ImportedHold, ...]:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        account = await authenticate_staff(connection, settings, name)
        require_role(account, *DECIDERS)
        moment = await database_time(connection)
        return await examine_ballots(connection, contest, moment, actor=account.name)
