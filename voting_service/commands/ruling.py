"""`ruling`: rule on holds; one person proposes, another approves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from voting_service.commands.authentication import as_option, authenticate_staff
from voting_service.commands.output import say
from voting_service.commands.runtime import database, run
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_contest
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import load_settings
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.voting.rulings.model import (
    REASONS,
    VERDICTS,
    Verdict,
)
from voting_service.voting.rulings.service import (
    RulingProposal,
    approve_rulings,
    decline_ruling,
    propose_rulings,
)

T = TypeVar("T")
Work = Callable[[Connection, Contest, Account], Awaitable[T]]


@click.group()
def ruling() -> None:
    """Rule on holds with two people: void or count. A later ruling reverses an earlier one."""


def _run_signed_in(slug: str, name: str, work: Work[T]) -> T:
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
@click.option("--words", required=True, help="What you found, for the record.")
@as_option
def propose(
    contest: str, verdict: Verdict, holds: tuple[int, ...], *, reason: str, words: str, name: str
) -> None:
    """Propose to void or count the ballots of each HOLD of CONTEST, all together."""

    async def work(connection: Connection, loaded: Contest, account: Account) -> tuple[int, ...]:
        return await propose_rulings(
            Actor(connection, account, system_clock()),
            loaded,
            holds,
            RulingProposal(verdict, reason, words),
        )

    decisions = " ".join(str(decision) for decision in _run_signed_in(contest, name, work))
    say("ruling.proposed", contest=contest, decisions=decisions)


@ruling.command()
@click.argument("contest")
@click.argument("decisions", metavar="ID...", type=int, nargs=-1, required=True)
@as_option
def approve(contest: str, decisions: tuple[int, ...], name: str) -> None:
    """Approve the proposed rulings ID of CONTEST. The counts change at once."""

    async def work(connection: Connection, loaded: Contest, account: Account) -> None:
        approved = await approve_rulings(
            Actor(connection, account, system_clock()), loaded, decisions
        )
        for decision in approved:
            say(
                "ruling.approved",
                proposer=decision.proposer,
                approver=account.name,
                decision=decision.describe("en"),
            )

    _run_signed_in(contest, name, work)


@ruling.command()
@click.argument("contest")
@click.argument("decision", metavar="ID", type=int)
@click.option("--because", required=True, help="The reason, for the record.")
@as_option
def decline(contest: str, decision: int, because: str, name: str) -> None:
    """Reject the proposed ruling ID of CONTEST, or withdraw your own."""

    async def work(connection: Connection, loaded: Contest, account: Account) -> None:
        await decline_ruling(Actor(connection, account, system_clock()), loaded, decision, because)

    _run_signed_in(contest, name, work)
    say("ruling.rejected", decision=decision)
