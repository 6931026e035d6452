"""A caster with everything around it, on the real stores or behind wires that can fail."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.contest_data import store_contest, store_platform
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, tcp_proxy
from tests.patience import PATIENCE_SECONDS
from tests.senders import sender
from voting_service.antifraud.screening.decision import Price
from voting_service.antifraud.screening.rate_limits import LocalLimits
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_platforms
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS, ClockWatch
from voting_service.infrastructure.postgres.pool import (
    Connection,
    Pool,
    open_pool,
)
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting.ballots.admit import Admitter
from voting_service.voting.ballots.pipeline import BallotPipeline, Dependencies
from voting_service.voting.ballots.vote import DatedBallot, Outcome, Vote
from voting_service.voting.tally import counters
from voting_service.voting.tally.counters import CounterFeed

MASTER_KEY = b"m" * 32


def new_voter() -> bytes:
    return os.urandom(16)


@dataclass
class Bench:
    """A caster of one contest with everything around it: what one worker holds."""

    contest: Contest
    pipeline: BallotPipeline
    feed: CounterFeed
    valkey: Valkey
    pool: Pool
    platform_id: int
    clock: Clock = system_clock

    def cast(
        self,
        voter: bytes,
        choices: list[int],
        *,
        network: str = "",
        device: str = "",
        solved: bool = False,
    ) -> asyncio.Future[Outcome]:
        return self.pipeline.submit(
            voter=voter,
            platform_id=self.platform_id,
            sender=sender(network, device),
            solved=solved,
            ballot=DatedBallot.of(self.contest, choices, self.clock()),
        )

    async def cast_all(self, ballots: list[tuple[bytes, list[int]]]) -> list[Outcome]:
        """Casts them at once: they share a batch when they are few enough."""
        return await asyncio.gather(*(self.cast(voter, choices) for voter, choices in ballots))


async def leave_hints(bench: Bench, voters: list[bytes]) -> None:
    """Admit voters whose votes are not stored: what a batch that failed leaves."""
    now = bench.clock()
    votes = [
        Vote(
            voter=voter,
            platform_id=bench.platform_id,
            sender=sender(),
            solved=False,
            ballot=DatedBallot.of(bench.contest, [1], now),
            result=asyncio.get_running_loop().create_future(),
            waiting_since=0.0,
        )
        for voter in voters
    ]
    admissions = await Admitter(bench.valkey, LocalLimits()).admit(
        bench.contest, {}, votes, prices=[Price.NEVER] * len(votes), now_ms=now.timestamp() * 1000
    )
    assert all(admission.screened and not admission.seen for admission in admissions)


@asynccontextmanager
async def open_bench(
    database: Connection,
    contest: Contest,
    platform_id: int,
    *,
    database_url: str,
    valkey_url: str,
    queue_limit: int = 50_000,
    clock: Clock = system_clock,
    clock_limit_seconds: float = MAX_OFFSET_SECONDS,
    valkey_call_seconds: float = PATIENCE_SECONDS,
) -> AsyncIterator[Bench]:
    async with open_pool(database_url, size=4) as pool:
        valkey = Valkey(valkey_url, call_timeout_seconds=valkey_call_seconds)
        counters.register_functions(valkey)
        feed = CounterFeed(valkey)
        watch = ClockWatch(clock, limit_seconds=clock_limit_seconds)
        needs = Dependencies(pool, Admitter(valkey, LocalLimits()), feed, watch)
        pipeline = BallotPipeline(contest, b"k" * 32, needs, queue_limit=queue_limit)
        pipeline.platforms = {p.id: p for p in await load_platforms(database)}
        yield Bench(contest, pipeline, feed, valkey, pool, platform_id, clock)
        await pipeline.close()
        await valkey.close()


@pytest.fixture
async def contest(database: Connection) -> Contest:
    return await store_contest(database, MASTER_KEY)


@pytest.fixture
async def platform_id(database: Connection) -> int:
    return await store_platform(database)


@pytest.fixture
async def bench(
    database: Connection, contest: Contest, platform_id: int, database_url: str, valkey_url: str
) -> AsyncIterator[Bench]:
    """Straight on the stores."""
    async with open_bench(
        database, contest, platform_id, database_url=database_url, valkey_url=valkey_url
    ) as opened:
        yield opened


@pytest.fixture
async def fast_wire(own_valkey: EmbeddedValkey) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(own_valkey.url) as proxy:
        yield proxy


@pytest.fixture
def valkey_call_seconds() -> float:
    return PATIENCE_SECONDS


@pytest.fixture
async def wired(
    database: Connection,
    contest: Contest,
    platform_id: int,
    record_wire: TcpProxy,
    fast_wire: TcpProxy,
    valkey_call_seconds: float,
) -> AsyncIterator[Bench]:
    """Behind both wires; connections are open and functions loaded, so that what is counted
    from here on is what a vote costs."""
    async with open_bench(
        database,
        contest,
        platform_id,
        database_url=record_wire.url,
        valkey_url=fast_wire.url,
        queue_limit=2_000,
        valkey_call_seconds=valkey_call_seconds,
    ) as opened:
        warm = new_voter()
        for choices in ([1], [1], [2]):
            await opened.cast(warm, choices)
        record_wire.forget()
        fast_wire.forget()
        yield opened
