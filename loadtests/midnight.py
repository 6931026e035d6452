"""Votes and retries around midnight and the close, on moved clocks and slow stores.

    python -m loadtests.midnight --runs 1000

PostgreSQL runs under libfaketime (Debian's package `faketime`), so that its clock can be moved to
just before a midnight or a close. Two workers' own clocks are as far from it as they may be. Both
are behind proxies that delay, and now and then cut a vote's connection before or after its insert.
In each run voters vote around the end of a day and retry until they have an answer, some naming
their period. Every answer is then compared with the stored ballots: no second vote, none moved to
another day, none lost.
"""

from __future__ import annotations

import asyncio
import random
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import click

from loadtests.stand import Stand
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, containing, tcp_proxy
from tests.senders import sender
from voting_service.antifraud.screening.rate_limits import LocalLimits
from voting_service.contests.model import Contest
from voting_service.contests.repository import NewContest, insert_contest, load_contest
from voting_service.demo import contest as demo
from voting_service.demo.embedded_postgres import APPLICATION, EmbeddedPostgres
from voting_service.errors import AlreadyVoted, NotOpen, PeriodOver, Unavailable
from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS, ClockWatch
from voting_service.infrastructure.postgres.pool import AnyConnection, open_pool
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting.ballots.admit import Admitter
from voting_service.voting.ballots.commit import QUERIES
from voting_service.voting.ballots.pipeline import BallotPipeline, Dependencies
from voting_service.voting.ballots.receipt import StoredBallot, receipt_bytes
from voting_service.voting.ballots.vote import Accepted, BallotKey, DatedBallot, Outcome, Repeated
from voting_service.voting.tally import counters
from voting_service.voting.tally.counters import CounterFeed

VOTERS = 6
DAYS = 20
"""A contest is used for so many midnights, then for its close."""
TRIES = 400
_RECEIPT_KEY = b"k" * 32
_PARAMETERS = max(int(number) for number in re.findall(r"\$(\d+)", QUERIES["insert_ballots"]))
_INSERT = containing(b"\x00\x01\x00\x01" + _PARAMETERS.to_bytes(2, "big"))
"""The bind of the insert: every parameter in binary, and how many there are."""
_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")

MoveClock = Callable[[timedelta], None]
"""Sets how far the clock of Postgres is ahead of this machine's."""


class MovedClock:
    """The time that the runs pretend it is."""

    def __init__(self, move_database: MoveClock) -> None:
        self.ahead = timedelta()
        self._move_database = move_database

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def set(self, moment: datetime) -> None:
        self.ahead = moment - datetime.now(UTC)
        self._move_database(self.ahead)


class Worker:
    """The vote path of one worker, its wire to Postgres, and how far its clock is off."""

    pipeline: BallotPipeline

    def __init__(self, clock: MovedClock, wire: TcpProxy) -> None:
        self._clock = clock
        self.off = timedelta()
        self.wire = wire

    def now(self) -> datetime:
        return self._clock() + self.off


class Try(NamedTuple):
    """One vote of a voter and its answer."""

    voter: bytes
    names_period: bool
    ballot: DatedBallot
    outcome: Outcome


class Stores(NamedTuple):
    """Where the runs' stores are, and how far apart clocks may be."""

    owner: AnyConnection
    database_url: str
    valkey_url: str
    platform_id: int
    clock_limit_seconds: float


@asynccontextmanager
async def open_worker(stores: Stores, contest: Contest, clock: MovedClock) -> AsyncIterator[Worker]:
    """Open the vote path of a worker behind a wire of its own."""
    async with (
        tcp_proxy(stores.database_url) as wire,
        tcp_proxy(stores.valkey_url) as fast_wire,
        open_pool(wire.url, size=2) as pool,
    ):
        valkey = Valkey(fast_wire.url)
        counters.register_functions(valkey)
        worker = Worker(clock, wire)
        watch = ClockWatch(worker.now, limit_seconds=stores.clock_limit_seconds)
        needs = Dependencies(pool, Admitter(valkey, LocalLimits()), CounterFeed(valkey), watch)
        worker.pipeline = BallotPipeline(contest, _RECEIPT_KEY, needs, queue_limit=1_000)
        fast_wire.delay_seconds = 0.005
        yield worker
        await worker.pipeline.close()
        await valkey.close()


async def run_around(
    end: datetime, workers: list[Worker], clock: MovedClock, platform_id: int, chance: random.Random
) -> list[Try]:
    """Vote and retry around the end of a period; return every try."""
    contest = workers[0].pipeline.contest
    tries: list[Try] = []

    async def vote(voter: bytes) -> None:
        names_period = chance.random() < 0.6
        choices = chance.choice([[1], [2, 3]])
        named = None
        await asyncio.sleep(chance.random() * 0.2)
        for number in range(TRIES):
            worker = chance.choice(workers)
            ballot = DatedBallot.of(contest, choices, worker.now())
            named = named or ballot.period
            if names_period:
                ballot = ballot.in_period(named)
            try:
                outcome = await worker.pipeline.submit(
                    voter=voter,
                    platform_id=platform_id,
                    sender=sender(),
                    solved=False,
                    ballot=ballot,
                )
            except Unavailable as error:
                outcome = error
            tries.append(Try(voter, names_period, ballot, outcome))
            answered = not isinstance(outcome, Unavailable)
            if answered and (number >= 3 or chance.random() < 0.5):
                return
            await asyncio.sleep(0.01 if number < 10 else 0.05)
        raise AssertionError("a voter never got an answer")

    spread = chance.choice([0.1, 1.4])
    for worker in workers:
        worker.off = timedelta(seconds=chance.uniform(-spread, spread))
        worker.wire.delay_seconds = chance.choice([0.0, 0.0, 0.02, 0.1])
        fault = chance.random()
        if fault < 0.3:
            worker.wire.drop_next(_INSERT)
        elif fault < 0.6:
            worker.wire.deafen_next(_INSERT)
    clock.set(end - timedelta(seconds=0.12) - chance.choice(workers).off)
    await asyncio.gather(*(vote(chance.randbytes(16)) for _ in range(VOTERS)))
    for worker in workers:
        worker.wire.forget_rules()
    return tries


async def check(connection: AnyConnection, contest: Contest, tries: list[Try]) -> Counter[str]:
    """Compare all tries with the stored ballots; return how many of each answer there were. Raises
    AssertionError."""
    rows = await connection.fetch(
        "select period, voter, ballot_id, cast_at, choices::text as choices"
        " from ballots where contest_id = $1 and voter = any($2::bytea[])",
        contest.id,
        list({it.voter for it in tries}),
    )
    stored = {
        (row["period"], row["voter"]): StoredBallot(
            row["ballot_id"], row["voter"], row["period"], row["cast_at"], row["choices"]
        )
        for row in rows
    }
    arrivals: dict[BallotKey, set[datetime]] = {}
    for it in tries:
        if it.ballot.may_be_stored(contest):
            arrivals.setdefault((it.ballot.period, it.voter), set()).add(it.ballot.cast_at)
    for key, ballot in stored.items():
        assert ballot.cast_at in arrivals[key], "moved: not dated to the arrival of a try"
    for number, it in enumerate(tries):
        row = stored.get((it.ballot.period, it.voter))
        match it.outcome:
            case Accepted(receipt=receipt) | Repeated(receipt=receipt):
                assert row is not None, "lost: confirmed and not stored"
                assert receipt == receipt_bytes(_RECEIPT_KEY, contest.slug, row), "lost"
            case NotOpen() | PeriodOver():
                # A worker whose clock is slower may have stored it after that.
                later = [other for other in tries[number:] if other.voter == it.voter]
                assert row is None or any(isinstance(other.outcome, Accepted) for other in later), (
                    "refused though it is stored"
                )
            case Unavailable():
                pass
            case _:
                raise AssertionError(it.outcome)
    for voter in {it.voter for it in tries if it.names_period}:
        votes = [key for key in stored if key[1] == voter]
        assert len(votes) <= 1, "a second vote"
    assert not any(isinstance(it.outcome, AlreadyVoted) for it in tries)
    return Counter(type(it.outcome).__name__ for it in tries)


async def _load_moved_contest(
    stores: Stores, slug: str, clock: MovedClock, chance: random.Random
) -> Contest:
    """Create a contest that is open from now until some hours after its last midnight."""
    opens_at = clock().replace(microsecond=0)
    closes_at = opens_at + timedelta(days=DAYS + 1, hours=chance.randint(1, 20))
    new = NewContest(slug, demo.RULES, opens_at, closes_at, demo.candidates())
    await insert_contest(stores.owner, new)
    return await load_contest(stores.owner, slug)


async def run(
    stores: Stores, move_database: MoveClock, *, runs: int, seed: int, progress: Callable[[], None]
) -> Counter[str]:
    """Run so many times and check each; return how many of each answer there were."""
    chance, clock, answers = random.Random(seed), MovedClock(move_database), Counter[str]()
    clock.set(datetime.now(UTC) + timedelta(hours=1))
    while runs > 0:
        contest = await _load_moved_contest(stores, f"midnight-{runs}", clock, chance)
        async with AsyncExitStack() as stack:
            workers = [
                await stack.enter_async_context(open_worker(stores, contest, clock))
                for _ in range(2)
            ]
            for number in range(min(runs, DAYS + 1)):
                end = contest.period_end(clock() + timedelta(seconds=10))
                if number in {DAYS, runs - 1}:
                    end = contest.closes_at
                tries = await run_around(end, workers, clock, stores.platform_id, chance)
                answers += await check(stores.owner, contest, tries)
                progress()
        runs -= DAYS + 1
    return answers


class FakedPostgres(EmbeddedPostgres):
    """A server whose clock is moved by a file."""

    def command(self) -> list[str]:
        return [
            "env",
            f"LD_PRELOAD={_LIBRARY}",
            f"FAKETIME_TIMESTAMP_FILE={self.clock_file}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            *super().command(),
        ]

    @property
    def clock_file(self) -> Path:
        return self.folder.parent / "clock"

    def move_clock(self, ahead: timedelta) -> None:
        """Set how far its clock is ahead."""
        new = self.clock_file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.6f}", encoding="ascii")
        new.chmod(0o644)
        new.replace(self.clock_file)


async def _run_on_stand(
    folder: Path, runs: int, seed: int, progress: Callable[[], None]
) -> Counter[str]:
    stand = Stand(folder, workers=0)
    stand.postgres = postgres = FakedPostgres(folder / "postgres")
    postgres.move_clock(timedelta())
    try:
        await stand.open_stores()
        async with stand.database() as owner:
            urls = postgres.url(APPLICATION), stand.valkey.url
            stores = Stores(owner, *urls, stand.platform_id, MAX_OFFSET_SECONDS)
            return await run(stores, postgres.move_clock, runs=runs, seed=seed, progress=progress)
    finally:
        await stand.stop_all()


@click.command
@click.option("--runs", default=1_000, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(runs: int, seed: int) -> None:
    """Run, and print how many of each answer there were."""
    if not _LIBRARY.exists():
        raise click.ClickException("install the package faketime first")
    with (
        tempfile.TemporaryDirectory(prefix="voting-midnight-", ignore_cleanup_errors=True) as name,
        click.progressbar(length=runs) as bar,
    ):
        folder = Path(name)
        folder.chmod(0o711)  # the server's own user reads its clock there
        answers = asyncio.run(_run_on_stand(folder, runs, seed, lambda: bar.update(1)))
    click.echo(f"{runs} runs: no second vote, none moved, none lost")
    for name, count in sorted(answers.items()):
        click.echo(f"{name:>14} {count:>8,}")


if __name__ == "__main__":
    main()
