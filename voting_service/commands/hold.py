"""`hold`: import, list and show holds, the groups of suspicious ballots."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from voting_service.commands.output import message, say
from voting_service.commands.runtime import (
    database,
    run,
    terminal_user,
)
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_contest
from voting_service.infrastructure.clock import system_clock
from voting_service.settings import Settings, load_settings
from voting_service.staff.audit_log.record import record
from voting_service.voting.rulings.forensics_import import HoldOrigin, ImportedHold, import_holds
from voting_service.voting.rulings.model import (
    HOLD_STATES,
    Hold,
    HoldState,
    HoldVotes,
    Ruling,
)
from voting_service.voting.rulings.repository import (
    load_hold,
    load_hold_votes,
    load_holds,
    load_rulings,
)


@click.group()
def hold() -> None:
    """Put suspicious ballots on hold with their evidence. To decide about them, use `ruling`."""


@hold.command("import")
@click.argument("contest")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def import_command(contest: str, folder: Path) -> None:
    """Create a hold for each campaign in FOLDER, as written by `forensics`.

    The ballots stay as they are until two people rule on them. Importing again changes nothing.
    """
    for imported in run(_import(load_settings(), contest, folder)):
        say(
            "hold.created" if imported.is_new else "hold.already_exists",
            hold=imported.hold_id,
            ballots=imported.ballots,
        )


async def _import(settings: Settings, slug: str, folder: Path) -> tuple[ImportedHold, ...]:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        origin = HoldOrigin(terminal_user(), system_clock())
        return await import_holds(connection, contest, folder, origin)


@hold.command("list")
@click.argument("contest")
@click.option("--state", type=click.Choice(HOLD_STATES), help="Only holds in this state.")
def list_command(contest: str, state: HoldState | None) -> None:
    """List the holds of CONTEST: open, proposed, or ruled void or count."""
    table = Table("hold", "kind", "label", "ballots", "held", "state", "proposals", "evidence")
    for listed in run(_holds(load_settings(), contest)):
        if state in (None, listed.state):
            table.add_row(
                str(listed.id),
                listed.kind,
                listed.label,
                str(listed.ballots),
                str(listed.held),
                listed.state,
                ", ".join(
                    message("hold.decision", id=decision.id) for decision in listed.proposals
                ),
                listed.evidence.sentence.zh,
            )
    Console(soft_wrap=True).print(table)


async def _holds(settings: Settings, slug: str) -> tuple[Hold, ...]:
    async with database(settings) as connection:
        return await load_holds(connection, await load_contest(connection, slug))


@hold.command()
@click.argument("contest")
@click.argument("hold_id", metavar="ID", type=int)
def show(contest: str, hold_id: int) -> None:
    """Show the evidence, votes and rulings of hold ID. The audit log records that you viewed it."""
    shown, rulings, votes = run(_show(load_settings(), contest, hold_id))
    evidence = shown.evidence
    console = Console(soft_wrap=True, highlight=False)
    console.print(
        message("hold.head", hold=shown),
        message("hold.ballots", hold=shown),
        message("hold.hash", hold=shown),
        evidence.sentence.zh,
        evidence.sentence.en,
        sep="\n",
        markup=False,
    )
    if evidence.observed is not None and evidence.expected is not None:
        console.print(message("hold.observed", evidence=evidence))
    for attribute in evidence.attributes:
        console.print(message("hold.attribute", attribute=attribute), markup=False)
    table = Table("candidate", "votes held", "votes counted")
    for candidate, count in sorted(votes.items()):
        table.add_row(
            str(candidate) if candidate else "ballots", str(count.held), str(count.counted)
        )
    console.print(table)
    for ruling in rulings:
        console.print(message("hold.ruling", ruling=ruling), markup=False)
    for proposal in shown.proposals:
        waiting = message("hold.waiting", proposal=proposal, description=proposal.describe("en"))
        console.print(waiting, markup=False)


async def _show(
    settings: Settings, slug: str, hold_id: int
) -> tuple[Hold, tuple[Ruling, ...], dict[int, HoldVotes]]:
    async with database(settings) as connection:
        contest: Contest = await load_contest(connection, slug)
        listed = await load_hold(connection, contest, hold_id)
        await record(
            connection, terminal_user(), "viewed", contest=contest.slug, subject=f"hold {hold_id}"
        )
        votes = await load_hold_votes(connection, contest)
        return listed, await load_rulings(connection, contest, hold_id), votes.get(hold_id, {})
