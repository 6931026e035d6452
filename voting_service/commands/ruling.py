"""`ruling`: one person proposes what becomes of a hold, another approves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from voting_service.accounts.model import Account
from voting_service.clock import system_clock
from voting_service.commands.running import database, run
from voting_service.commands.staff import as_option, authenticate_staff
from voting_service.contests.model import Contest
from voting_service.contests.store import load_contest
from voting_service.rulings.model import REASONS, VERDICTS, Verdict
from voting_service.rulings.rulings import approve_rulings, decline_ruling, propose_rulings
from voting_service.settings import load_settings
from voting_service.storage.postgres import Connection

T = TypeVar("T")
Work = Callable[[Connection, Contest, Account], Awaitable[T]]


@click.group()
def ruling() -> None:
    """Rule on holds with two people: void or count. A ruling is reversed by another one."""


def _as_member(slug: str, name: str, work: Work[T]) -> T:
    settings = load_settings()

    async def signed_in() -> T:
        async with database(settings) as connection:
            contest = await load_contest(connection, slug)
            account = await authenticate_staff(connection, settings, name)
            return await work(connection, contest, account)

    return run(signed_in())


@ruling.command()
@click.argument("contest")
@click.argument("verdict", type=click.Choice(VERDICTS))
@click.argument("holds", metavar="HOLD...", type=int, nargs=-1, required=True)
@click.option("--reason", required=True, type=click.Choice(list(REASONS)))
@click.option("--words", required=True, help="What was found, for the record.")
@as_option
def propose(
    contest: str, verdict: Verdict, holds: tuple[int, ...], *, reason: str, words: str, name: str
) -> None:
    """Propose to void or to count the ballots of each HOLD of CONTEST, in one act."""

    async def work(connection: Connection, found: Contest, account: Account) -> tuple[int, ...]:
        return await propose_rulings(
            connection,
            found,
            account,
            holds,
            verdict=verdict,
            reason=reason,
            words=words,
            now=system_clock(),
        )

    decisions = " ".join(str(decision) for decision in _as_member(contest, name, work))
    click.echo(
        f"proposed as decision {decisions}; a second person approves with "
        f"`voting-service ruling approve {contest} {decisions} --as NAME`"
    )


@ruling.command()
@click.argument("contest")
@click.argument("decisions", metavar="ID...", type=int, nargs=-1, required=True)
@as_option
def approve(contest: str, decisions: tuple[int, ...], name: str) -> None:
    """Approve the proposed rulings ID of CONTEST; the counts follow at once."""

    async def work(connection: Connection, found: Contest, account: Account) -> None:
        approved = await approve_rulings(connection, found, account, decisions, now=system_clock())
        for decision in approved:
            click.echo(f"{decision.proposer} and {account.name} decided: {decision}")

    _as_member(contest, name, work)


@ruling.command()
@click.argument("contest")
@click.argument("decision", metavar="ID", type=int)
@click.option("--because", required=True, help="Why not, for the record.")
@as_option
def decline(contest: str, decision: int, because: str, name: str) -> None:
    """Turn the proposed ruling ID of CONTEST down, or withdraw your own."""

    async def work(connection: Connection, found: Contest, account: Account) -> None:
        await decline_ruling(connection, found, account, decision, because, now=system_clock())

    _as_member(contest, name, work)
    click.echo(f"decision {decision} is declined; the hold stays as it was")
