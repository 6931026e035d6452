"""A million racing double submissions against the real vote path and real stores.

Two casters, as two workers would be, share one PostgreSQL and one Valkey. Every voter's tries are
spread over both and over two different ballots; half-way the hints in Valkey are thrown away again
and again, so that only the primary key is left to decide.
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
from voting_service.antifraud.clients import NO_HASH, NOWHERE, Device, Sender
from voting_service.antifraud.limits import LocalLimits
from voting_service.antifraud.user_agents import UNKNOWN
from voting_service.ballots.admit import Admitter
from voting_service.ballots.casting import Caster, Dependencies
from voting_service.ballots.vote import Accepted, Outcome, Repeated
from voting_service.clock import system_clock
from voting_service.contests.store import load_contest, load_platforms
from voting_service.demo.embedded_postgres import APPLICATION
from voting_service.errors import AlreadyVoted
from voting_service.storage.database_clock import ClockWatch
from voting_service.storage.postgres import open_pool
from voting_service.storage.valkey import Valkey
from voting_service.tally import counters
from voting_service.tally.counters import CounterFeed

_WORKERS = 2
_TRIES_A_VOTER = 20
_VOTERS_AT_ONCE = 250
_BALLOTS = ([1, 2, 3], [4, 5])
_KEPT = REPORTS / "double.json"


class Doubled(msgspec.Struct, frozen=True):
    """What came of the race."""

    tries: int
    voters: int
    accepted: int
    repeated: int
    conflicts: int
    try_again: int  # 503 or 429 on a busy machine: nothing was said about a ballot
    accepted_twice: int
    stored: int
    seconds: float


async def race(tries: int, progress: Callable[[int], None]) -> Doubled:
    """Casts `tries` times on stores of its own; keeps and returns what came of it."""
    with tempfile.TemporaryDirectory(prefix="voting-double-", ignore_cleanup_errors=True) as folder:
        stand = Stand(Path(folder), workers=0)
        try:
            await stand.open_stores()
            doubled = await _race_on(stand, tries, progress)
        finally:
            await stand.stop_all()
    REPORTS.mkdir(parents=True, exist_ok=True)
    _KEPT.write_bytes(msgspec.json.encode(doubled))
    return doubled


def raced_before() -> Doubled | None:
    """The last race of this machine."""
    return msgspec.json.decode(_KEPT.read_bytes(), type=Doubled) if _KEPT.exists() else None


async def _race_on(stand: Stand, tries: int, progress: Callable[[int], None]) -> Doubled:
    """Round after round, all tries of some voters at once, in no order."""
    rng = np.random.default_rng(0)
    answers: Counter[str] = Counter()
    accepted: Counter[bytes] = Counter()
    begins_at = time.perf_counter()
    rounds = -(-tries // (_VOTERS_AT_ONCE * _TRIES_A_VOTER))
    async with AsyncExitStack() as stack:
        casters = [await stack.enter_async_context(_worker(stand)) for _ in range(_WORKERS)]
        valkey = await stack.enter_async_context(Redis.from_url(stand.valkey.url))
        for number in range(rounds):
            voters = [rng.bytes(16) for _ in range(_VOTERS_AT_ONCE)]
            order = rng.permutation(_VOTERS_AT_ONCE * _TRIES_A_VOTER)
            names = [voters[one % _VOTERS_AT_ONCE] for one in order]
            forgetting = asyncio.create_task(_forget(valkey, 5 * (number >= rounds // 2)))
            tried = [_try(casters, stand.platform_id, name, n) for n, name in enumerate(names)]
            outcomes = await asyncio.gather(*tried)
            await forgetting
            for name, outcome in zip(names, outcomes, strict=True):
                answers[type(outcome).__name__] += 1
                accepted[name] += isinstance(outcome, Accepted)
            progress(len(names))
    async with stand.database() as connection:
        stored = await connection.fetchval("select count(*) from ballots")
    known = {kind: answers.pop(kind.__name__, 0) for kind in (Accepted, Repeated, AlreadyVoted)}
    return Doubled(
        tries=rounds * _VOTERS_AT_ONCE * _TRIES_A_VOTER,
        voters=len(accepted),
        accepted=known[Accepted],
        repeated=known[Repeated],
        conflicts=known[AlreadyVoted],
        try_again=answers.total(),
        accepted_twice=sum(count > 1 for count in accepted.values()),
        stored=stored,
        seconds=time.perf_counter() - begins_at,
    )


_SOMEBODY = Sender(NOWHERE, Device(NO_HASH, UNKNOWN), account_day=0, seconds_since_sign_in=60)


def _try(
    casters: Sequence[Caster], platform_id: int, voter: bytes, number: int
) -> asyncio.Future[Outcome]:
    """One try; the number decides where it arrives and which ballot it is."""
    return casters[number % _WORKERS].submit(
        voter=voter,
        platform_id=platform_id,
        sender=_SOMEBODY,
        solved=False,
        choices=_BALLOTS[number // _WORKERS % len(_BALLOTS)],
    )


async def _forget(valkey: Redis, times: int) -> None:
    """Throws all hints away, while votes are on their way."""
    for _ in range(times):
        await valkey.flushall()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def _worker(stand: Stand) -> AsyncIterator[Caster]:
    """What one worker of `serve` holds for the contest."""
    async with open_pool(stand.postgres.url(APPLICATION), size=4) as pool:
        valkey = Valkey(stand.valkey.url)
        counters.register_functions(valkey)
        async with stand.database() as connection:
            contest = await load_contest(connection, CONTEST)
            platforms = await load_platforms(connection)
        needs = Dependencies(
            pool, Admitter(valkey, LocalLimits()), CounterFeed(valkey), ClockWatch(system_clock)
        )
        caster = Caster(contest, b"k" * 32, needs, queue_limit=_VOTERS_AT_ONCE * _TRIES_A_VOTER)
        caster.platforms = {platform.id: platform for platform in platforms}
        try:
            yield caster
        finally:
            await caster.close()
            await valkey.close()
