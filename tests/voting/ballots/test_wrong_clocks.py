"""A worker whose clock is off by more than two seconds stores nothing, and goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from tests.contest_data import store_contest
from tests.infrastructure.postgres.tcp_proxy import TcpProxy
from tests.voting.ballots.conftest import (
    MASTER_KEY,
    Bench,
    new_voter,
    open_bench,
)
from voting_service.contests.model import Contest
from voting_service.errors import Unavailable
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting.ballots.admit import Admitter
from voting_service.voting.ballots.vote import Accepted

OFF = [
    timedelta(hours=26),
    timedelta(hours=7),
    timedelta(seconds=3),
    timedelta(seconds=-3),
    timedelta(seconds=-9),  # within the grace of a commit
    timedelta(hours=-7),
]


class OwnClock:
    """A worker's clock, as far off as the test likes."""

    def __init__(self) -> None:
        self.off = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.off


@pytest.fixture
def clock() -> OwnClock:
    return OwnClock()


@asynccontextmanager
async def worker(
    database: Connection,
    contest: Contest,
    platform_id: int,
    urls: tuple[str, str],
    clock: Clock,
    *,
    limit_seconds: float = MAX_OFFSET_SECONDS,
) -> AsyncIterator[Bench]:
    async with open_bench(
        database,
        contest,
        platform_id,
        database_url=urls[0],
        valkey_url=urls[1],
        clock=clock,
        clock_limit_seconds=limit_seconds,
    ) as bench:
        yield bench


@pytest.fixture
def urls(database_url: str, valkey_url: str) -> tuple[str, str]:
    return database_url, valkey_url


async def stored(database: Connection) -> int:
    count: int = await database.fetchval("select count(*) from ballots")
    return count


async def refused(bench: Bench, voter: bytes) -> bool:
    outcome = await bench.cast(voter, [1])
    return isinstance(outcome, Unavailable) and 1 <= outcome.retry_after_seconds <= 4


def metric(name: str, labels: dict[str, str] | None = None) -> float:
    return REGISTRY.get_sample_value(name, labels or {}) or 0.0


@pytest.mark.parametrize("off", OFF, ids=str)
async def test_a_worker_that_starts_with_a_wrong_clock_stores_nothing_until_it_is_right(
    database: Connection,
    contest: Contest,
    platform_id: int,
    urls: tuple[str, str],
    clock: OwnClock,
    off: timedelta,
) -> None:
    """Not even a hint that would tell of a period which is not now."""
    me = new_voter()
    clock.off = off
    async with worker(database, contest, platform_id, urls, clock) as bench:
        assert await refused(bench, me)
        assert await refused(bench, me)
        assert await stored(database) == 0
        assert await bench.valkey.command("KEYS", "*") == []
        clock.off = timedelta(seconds=1)
        assert isinstance(await bench.cast(me, [1]), Accepted)


@pytest.mark.parametrize("off", OFF, ids=str)
async def test_a_clock_that_goes_wrong_is_noticed_by_the_next_batch(
    database: Connection,
    contest: Contest,
    platform_id: int,
    urls: tuple[str, str],
    clock: OwnClock,
    off: timedelta,
) -> None:
    """Ahead or behind: it jumped since it was measured."""
    async with worker(database, contest, platform_id, urls, clock) as bench:
        assert isinstance(await bench.cast(new_voter(), [1]), Accepted)
        clock.off = off
        assert await refused(bench, new_voter())
        assert await refused(bench, new_voter())
        assert await stored(database) == 1


async def test_before_the_opening_a_fast_worker_stores_nothing(
    database: Connection, platform_id: int, urls: tuple[str, str], clock: OwnClock
) -> None:
    contest = await store_contest(
        database, MASTER_KEY, opens_at=system_clock() + timedelta(hours=1)
    )
    clock.off = timedelta(hours=26)
    async with worker(database, contest, platform_id, urls, clock) as bench:
        assert await refused(bench, new_voter())
        assert await stored(database) == 0


async def test_the_insert_itself_refuses_a_moment_that_has_not_come(
    database: Connection,
    contest: Contest,
    platform_id: int,
    urls: tuple[str, str],
    clock: OwnClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the last measurement said: here the clock is right again when it is measured."""
    admit = Admitter.admit

    async def set_right_before_the_insert(*arguments: object, **named: object) -> object:
        admissions = await admit(*arguments, **named)  # type: ignore[arg-type]
        clock.off = timedelta()
        return admissions

    async with worker(database, contest, platform_id, urls, clock) as bench:
        assert isinstance(await bench.cast(new_voter(), [1]), Accepted)
        monkeypatch.setattr(Admitter, "admit", set_right_before_the_insert)
        clock.off = timedelta(seconds=2.5)
        assert await refused(bench, new_voter())
        assert await stored(database) == 1


async def test_a_slow_store_is_not_taken_for_a_wrong_clock(
    database: Connection,
    contest: Contest,
    platform_id: int,
    record_wire: TcpProxy,
    valkey_url: str,
    clock: OwnClock,
) -> None:
    """Each way takes longer than a clock may be off."""
    urls = record_wire.url, valkey_url
    async with worker(database, contest, platform_id, urls, clock, limit_seconds=0.3) as bench:
        assert isinstance(await bench.cast(new_voter(), [1]), Accepted)
        record_wire.delay_seconds = 0.5
        assert isinstance(await bench.cast(new_voter(), [1]), Accepted)
        record_wire.delay_seconds = 0.0
        outcomes = await asyncio.gather(*(bench.cast(new_voter(), [1]) for _ in range(5)))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)


async def test_metrics_say_why(
    database: Connection, contest: Contest, platform_id: int, urls: tuple[str, str], clock: OwnClock
) -> None:
    outcome = {"outcome": "wrong_clock"}
    before = metric("voting_ballots_total", outcome)
    clock.off = timedelta(seconds=-7)
    async with worker(database, contest, platform_id, urls, clock) as bench:
        assert await refused(bench, new_voter())
        assert -8 < metric("voting_clock_offset_seconds") < -6
        assert metric("voting_ballots_total", outcome) == before + 1
        clock.off = timedelta()
        await bench.cast(new_voter(), [1])
        assert -1 < metric("voting_clock_offset_seconds") < 1
