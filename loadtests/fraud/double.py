"""A million racing double submissions against the real vote path and real stores.

Two pipelines, as in two workers, share one PostgreSQL and one Valkey. Every voter's tries are
spread over both and over two different ballots; in the second half the hints in Valkey are deleted
repeatedly, so that only the primary key decides.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np
from redis.asyncio import Redis

from loadtests import CONTEST
from loadtests.fraud.runs import REPORTS
from loadtests.stand import Stand
from voting_service.antifraud.screening.client_signals import (
    NO_HASH,
    NOWHERE,
    Device,
    Sender,
)
from voting_service.antifraud.screening.rate_limits import LocalLimits
from voting_service.antifraud.screening.user_agents import UNKNOWN
from voting_service.contests.repository import load_contest, load_platforms
from voting_service.demo.embedded_postgres import APPLICATION
from voting_service.errors import AlreadyVoted
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.database_clock import ClockWatch
from voting_service.infrastructure.postgres.pool import open_pool
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting.ballots.admit import Admitter
from voting_service.voting.ballots.pipeline import BallotPipeline, Dependencies
from voting_service.voting.ballots.vote import (
    Accepted,
    DatedBallot,
    Outcome,
    Repeated,
)
from voting_service.voting.tally import counters
from voting_service.voting.tally.counters import CounterFeed

_WORKERS = 2
_TRIES_A_VOTER = 20
_VOTERS_AT_ONCE = 250
_BALLOTS = ([1, 2, 3], [4, 5])
_LAST_RACE = REPORTS / "double.json"


class RaceResult(msgspec.Struct, frozen=True):
    """The outcomes of a race."""

    tries: int
    voters: int
    accepted: int
    repeated: int
    conflicts: int
    try_again: int  # 503 or 429 on a busy machine
    accepted_twice: int
    stored: int
    seconds: float


async def race(tries: int, progress: Callable[[int], None]) -> RaceResult:
    """Cast `tries` times on stores of its own; store and return the outcomes."""
    with tempfile.TemporaryDirectory(prefix="voting-double-", ignore_cleanup_errors=True) as folder:
        stand = Stand(Path(folder), workers=0)
        try:
            await stand.open_stores()
            doubled = await _race_on(stand, tries, progress)
        finally:
            await stand.stop_all()
    REPORTS.mkdir(parents=True, exist_ok=True)
    _LAST_RACE.write_bytes(msgspec.json.encode(doubled))
    return doubled


def load_last_race() -> RaceResult | None:
    """Load the last race of this machine."""
    return (
        msgspec.json.decode(_LAST_RACE.read_bytes(), type=RaceResult)
        if _LAST_RACE.exists()
        else None
    )


async def _race_on(stand: Stand, tries: int, progress: Callable[[int], None]) -> RaceResult:
    """Run rounds of all tries of some voters at once, in random order."""
    rng = np.random.default_rng(0)
    answers: Counter[str] = Counter()
    accepted: Counter[bytes] = Counter()
    started_at = time.perf_counter()
    rounds = -(-tries // (_VOTERS_AT_ONCE * _TRIES_A_VOTER))
    async with AsyncExitStack() as stack:
        pipelines = [await stack.enter_async_context(_worker(stand)) for _ in range(_WORKERS)]
        valkey = await stack.enter_async_context(Redis.from_url(stand.valkey.url))
        for number in range(rounds):
            voters = [rng.bytes(16) for _ in range(_VOTERS_AT_ONCE)]
            order = rng.permutation(_VOTERS_AT_ONCE * _TRIES_A_VOTER)
            names = [voters[position % _VOTERS_AT_ONCE] for position in order]
            deleting = asyncio.create_task(_delete_hints(valkey, 5 * (number >= rounds // 2)))
            tried = [_try(pipelines, stand.platform_id, name, n) for n, name in enumerate(names)]
            outcomes = await asyncio.gather(*tried)
            await deleting
            for name, outcome in zip(names, outcomes, strict=True):
                answers[type(outcome).__name__] += 1
                accepted[name] += isinstance(outcome, Accepted)
            progress(len(names))
    async with stand.database() as connection:
        stored = await connection.fetchval("select count(*) from ballots")
    counted = {kind: answers.pop(kind.__name__, 0) for kind in (Accepted, Repeated, AlreadyVoted)}
    return RaceResult(
        tries=rounds * _VOTERS_AT_ONCE * _TRIES_A_VOTER,
        voters=len(accepted),
        accepted=counted[Accepted],
        repeated=counted[Repeated],
        conflicts=counted[AlreadyVoted],
        try_again=answers.total(),
        accepted_twice=sum(count > 1 for count in accepted.values()),
        stored=stored,
        seconds=time.perf_counter() - started_at,
    )


_SENDER = Sender(NOWHERE, Device(NO_HASH, UNKNOWN), account_day=0, seconds_since_sign_in=60)


def _try(
    pipelines: Sequence[BallotPipeline], platform_id: int, voter: bytes, number: int
) -> asyncio.Future[Outcome]:
    """Cast one try; the number selects the pipeline and the ballot."""
    pipeline = pipelines[number % _WORKERS]
    choices = _BALLOTS[number // _WORKERS % len(_BALLOTS)]
    return pipeline.submit(
        voter=voter,
        platform_id=platform_id,
        sender=_SENDER,
        solved=False,
        ballot=DatedBallot.of(pipeline.contest, choices, system_clock()),
    )


async def _delete_hints(valkey: Redis, times: int) -> None:
    """Delete all hints while votes are under way."""
    for _ in range(times):
        await valkey.flushall()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def _worker(stand: Stand) -> AsyncIterator[BallotPipeline]:
    """The pipeline of one worker of `serve` for the contest."""
    async with open_pool(stand.postgres.url(APPLICATION), size=4) as pool:
        valkey = Valkey(stand.valkey.url)
        counters.register_functions(valkey)
        async with stand.database() as connection:
            contest = await load_contest(connection, CONTEST)
            platforms = await load_platforms(connection)
        needs = Dependencies(
            pool, Admitter(valkey, LocalLimits()), CounterFeed(valkey), ClockWatch(system_clock)
        )
        pipeline = BallotPipeline(
            contest, b"k" * 32, needs, queue_limit=_VOTERS_AT_ONCE * _TRIES_A_VOTER
        )
        pipeline.platforms = {platform.id: platform for platform in platforms}
        try:
            yield pipeline
        finally:
            await pipeline.close()
            await valkey.close()
