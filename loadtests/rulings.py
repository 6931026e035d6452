"""The time to rule on a hundred thousand ballots at once, and for the standings to follow.

    python -m loadtests.rulings [--ballots 1000000] [--held 100000]

Starts stores of its own with full durability and runs the reconciler like `work` does.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from loadtests.stand import Stand
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_contest
from voting_service.demo.embedded_postgres import APPLICATION
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import (
    Connection,
    acquire,
    open_pool,
)
from voting_service.infrastructure.valkey import Valkey
from voting_service.staff.accounts.repository import NewAccount, create_account
from voting_service.staff.actor import Actor
from voting_service.voting.rulings.model import HoldEvidence, Verdict
from voting_service.voting.rulings.repository import NewHold, create_hold
from voting_service.voting.rulings.service import RulingProposal, approve_rulings, propose_rulings
from voting_service.voting.tally.counters import (
    read_counts,
    register_functions,
    set_counts,
)
from voting_service.voting.tally.live_figures import load_figures
from voting_service.voting.tally.recount import BALLOTS
from voting_service.voting.tally.recount_audit import audit
from voting_service.voting.tally.repository import advance_floor

QUERIES = Queries("loadtests", "rulings.sql")
FILL = Queries("loadtests", "console_fill.sql")
SLUG = "ruled"
T = TypeVar("T")


async def timed(what: str, work: Awaitable[T]) -> T:
    begins_at = time.perf_counter()
    result = await work
    click.echo(f"{time.perf_counter() - begins_at:8.3f} s  {what}")
    return result


async def hold_some(connection: Connection, contest: Contest, every: int, begin: int) -> int:
    rows = await connection.fetch(QUERIES["some_ballots"], contest.id, every, begin)
    return await timed(
        f"hold of {len(rows):,} ballots made",
        create_hold(
            connection,
            contest,
            NewHold(
                [row["ballot_id"] for row in rows],
                kind="campaign",
                source="bench",
                label=f"every {every} from {begin}",
                evidence=HoldEvidence(sentence=Text(zh="测量", en="measured")),
            ),
            actor="bench",
            now=datetime.now(UTC),
        ),
    )


async def fill(stand: Stand, ballots: int) -> None:
    """Create a contest with three weeks of ballots, one in fifty of them held."""
    contest_id = await stand.add_contest(SLUG)
    async with stand.database() as owner:
        ends = datetime.now(UTC)
        await owner.execute(FILL["ballots"], contest_id, stand.platform_id, ballots, ends, 8)
        await owner.execute(f"vacuum (analyze) ballots_{contest_id}")


class Bench:
    """A contest and two people who rule on one hold after another."""

    def __init__(self, stand: Stand, contest: Contest, connection: Connection) -> None:
        self.stand, self.contest, self.connection = stand, contest, connection

    async def begin(self, valkey: Valkey) -> None:
        self.valkey = valkey
        self.accounts = [
            (
                await create_account(
                    self.connection,
                    self.stand.master_key,
                    NewAccount(name, "supervisor", "correct horse battery"),
                )
            )[0]
            for name in ("first", "second")
        ]

    async def reconcile(self) -> int:
        floor, totals = await advance_floor(self.connection, self.contest.id)
        await set_counts(self.valkey, self.contest.id, floor, totals)
        counts = await read_counts(self.valkey, self.contest.id)
        return counts.ballots if counts else 0

    async def rule(self, hold_id: int, verdict: Verdict) -> None:
        first, second = self.accounts
        reason = "automated_voting" if verdict == "void" else "objection_upheld"
        proposed = await propose_rulings(
            Actor(self.connection, first, datetime.now(UTC)),
            self.contest,
            [hold_id],
            RulingProposal(verdict=verdict, reason=reason, words="measured"),
        )
        await timed(
            f"hold {hold_id} ruled {verdict}",
            approve_rulings(
                Actor(self.connection, second, datetime.now(UTC)), self.contest, proposed
            ),
        )
        await timed("counters follow", self.reconcile())


async def measure(folder: Path, ballots: int, held: int) -> None:
    stand = Stand(folder, 1)
    try:
        await stand.open_stores()
        await timed(f"{ballots:,} ballots filled in", fill(stand, ballots))
        valkey = Valkey(stand.valkey.url)
        register_functions(valkey)
        async with stand.database(APPLICATION) as connection:
            contest = await load_contest(connection, SLUG)
            bench = Bench(stand, contest, connection)
            await bench.begin(valkey)
            await timed("first floor", bench.reconcile())
            every = ballots // held
            hold_id = await hold_some(connection, contest, every, 0)
            await bench.rule(hold_id, "void")
            await bench.rule(hold_id, "count")
            other = await hold_some(connection, contest, every, 0 if every == 1 else 1)
            await bench.rule(other, "void")
            both = await hold_some(connection, contest, every // 2 or 1, 0)
            await bench.rule(both, "void")
            done = await timed("audit of all ballots", audit(connection, contest))
            click.echo(f"difference {done.difference}")
            pool_url = stand.postgres.url(APPLICATION)
            async with open_pool(pool_url, size=1) as pool, acquire(pool) as pooled:
                now = datetime.now(UTC)
                await timed("kept figures", load_figures(pooled, contest, now))
                everyone = (BALLOTS, *contest.numbers)
                await timed(
                    "kept figures by candidate, platform and hour at a moment",
                    load_figures(pooled, contest, now, at=now, candidates=everyone),
                )
        await valkey.close()
    finally:
        await stand.stop_all()


@click.command()
@click.option("--ballots", default=1_000_000, show_default=True)
@click.option("--held", default=100_000, show_default=True)
def main(ballots: int, held: int) -> None:
    """Measure rulings on HELD of BALLOTS ballots."""
    with tempfile.TemporaryDirectory(prefix="voting-rulings-") as folder:
        asyncio.run(measure(Path(folder), ballots, held))


if __name__ == "__main__":
    main()
