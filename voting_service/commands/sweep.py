"""`sweep`: examine a contest's ballots for fraud now, without waiting for the nightly run."""

from __future__ import annotations

import click

from voting_service.commands.authentication import as_option, authenticate_staff
from voting_service.commands.output import say
from voting_service.commands.runtime import database, run
from voting_service.contests.repository import load_contest
from voting_service.jobs.sweep import sweep as examine_ballots
from voting_service.settings import Settings, load_settings
from voting_service.staff.accounts.model import require_role
from voting_service.staff.approvals.model import DECIDERS
from voting_service.voting.completeness import load_completeness
from voting_service.voting.rulings.forensics_import import ImportedHold


@click.command()
@click.argument("contest")
@as_option
def sweep(contest: str, name: str) -> None:
    """Examine the ballots of CONTEST and put suspicious ones on hold for two people to rule on.

    `work` does this every night and at the close. It can take minutes and delays no vote.
    """
    holds = run(_sweep(load_settings(), contest, name))
    new_holds = [hold for hold in holds if hold.is_new]
    for hold in new_holds:
        say("sweep.hold", hold=hold.hold_id, ballots=hold.ballots)
    say("sweep.total", campaigns=len(holds), new=len(new_holds))


async def _sweep(settings: Settings, slug: str, name: str) -> tuple[ImportedHold, ...]:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        account = await authenticate_staff(connection, settings, name)
        require_role(account, *DECIDERS)
        _, complete_before = await load_completeness(connection)
        return await examine_ballots(connection, contest, complete_before, actor=account.name)
