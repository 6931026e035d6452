"""⑦ Count: after the votes are resolved, the deltas of the batch go to the live counters in Valkey.

Fenced by the transaction that stored the ballots, so a repeated delta is applied once. The
reconciler repairs from Postgres what is lost (Valkey unavailable, a worker killed between commit
and count).
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.tasks import FailureLog, run_forever
from voting_service.infrastructure.valkey import Valkey, contest_tag
from voting_service.voting import metrics

BALLOTS_FIELD = "ballots"
MAX_WAITING_BATCHES = 5_000
FLUSH_SECONDS = 0.05
MAX_BATCHES_PER_CALL = 500
"""A call blocks Valkey for milliseconds, however many batches wait."""


def register_functions(valkey: Valkey) -> None:
    """Register the functions of the counters with a client."""
    valkey.register_functions(__package__, "counters.lua")


@lru_cache(maxsize=256)
def _keys(contest_id: int) -> tuple[str, ...]:
    """Return the keys of counters.lua, in its order."""
    names = ("live", "floor", "running", "recent", "order", "known")
    return tuple(f"{contest_tag(contest_id)}:tally:{name}" for name in names)


class CounterDelta(NamedTuple):
    """The deltas of one stored batch; `votes` by candidate number as text. `held` ballots are
    stored, but not counted."""

    contest_id: int
    xid: int
    ballots: int
    votes: dict[str, int]
    held: int = 0


class Counts(NamedTuple):
    """Votes by candidate number, and the ballots they came on."""

    ballots: int
    votes: dict[int, int]


class Floor(NamedTuple):
    """How far the stored tally reaches: it covers the ballots of every transaction before `xid`
    that is not among the `running`.

    `previous_xid` is that of the floor before it, `ballots` the number of ballots covered.
    """

    xid: int
    running: tuple[int, ...] = ()
    previous_xid: int = 0
    cluster: int = 0
    ballots: int = 0

    def covers(self, xid: int) -> bool:
        """Return whether the ballots of a transaction are in the stored tally."""
        return xid < self.xid and xid not in self.running


class SuspectedLoss(Exception):
    """Postgres is in another state than the counters came from: it was restored from a backup.

    As far as the counters know, `ballots` were stored until the moment `until`, and `since` after
    it; some of those since may be of the new state.
    """

    def __init__(self, ballots: int, until: datetime, since: int) -> None:
        super().__init__(ballots, until, since)
        self.ballots = ballots
        self.until = until
        self.since = since


class CounterFeed:
    """Sends stored batches to the counters in the background, several in one call.

    Bounded: while Valkey is unavailable the oldest are dropped; the reconciler repairs the
    counters.
    """

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._waiting: deque[CounterDelta] = deque()
        self._arrived = asyncio.Event()
        self._failures = FailureLog("counters", "counters_not_sent")

    def put(self, counted: CounterDelta) -> None:
        """Queue a batch. Never waits."""
        if not counted.ballots and not counted.held:
            return
        if len(self._waiting) >= MAX_WAITING_BATCHES:
            self._waiting.popleft()
            metrics.COUNTS_LOST.inc()
        self._waiting.append(counted)
        self._arrived.set()

    async def run(self) -> None:
        """Flush until cancelled."""

        async def flush() -> None:
            await self._arrived.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

        await run_forever("counters", flush)

    async def flush(self) -> None:
        """Send everything queued, in calls of one contest each. If one fails, the others are still
        sent, and the reconciler repairs its counters."""
        self._arrived.clear()
        by_contest: dict[int, list[tuple[int, int, dict[str, int]]]] = {}
        while self._waiting:
            counted = self._waiting.popleft()
            deltas = {**counted.votes, BALLOTS_FIELD: counted.ballots}
            stored = counted.ballots + counted.held
            by_contest.setdefault(counted.contest_id, []).append((counted.xid, stored, deltas))
        calls = (
            (contest_id, batches[start : start + MAX_BATCHES_PER_CALL])
            for contest_id, batches in by_contest.items()
            for start in range(0, len(batches), MAX_BATCHES_PER_CALL)
        )
        for contest_id, batches in calls:
            try:
                with metrics.STEP_SECONDS.labels("count").time():
                    await self._valkey.call(
                        "voting_count", _keys(contest_id), [msgspec.msgpack.encode(batches)]
                    )
            except StoreUnavailable:
                metrics.COUNTS_LOST.inc(len(batches))
            except Exception as error:
                metrics.COUNTS_LOST.inc(len(batches))
                self._failures.add(error, contest=str(contest_id))
            else:
                self._failures.clear(contest=str(contest_id))


async def read_counts(valkey: Valkey, contest_id: int) -> Counts | None:
    """Return the live counters; None until the reconciler has set them. Raises
    StoreUnavailable."""
    flat = await valkey.call("voting_counts", _keys(contest_id), [])
    if not flat:
        return None
    counts = {flat[i].decode(): int(flat[i + 1]) for i in range(0, len(flat), 2)}
    ballots = counts.pop(BALLOTS_FIELD, 0)
    return Counts(ballots, {int(number): votes for number, votes in counts.items()})


async def set_counts(
    valkey: Valkey, contest_id: int, floor: Floor, totals: Counts, *, restored: bool = False
) -> int:
    """Set the stored totals that `floor` covers; return by how many votes the counters were off.

    Raises SuspectedLoss, and forgets the counters, if they came from another state of Postgres,
    unless it is known to be `restored`; and StoreUnavailable.
    """
    fields = {str(number): votes for number, votes in totals.votes.items()}
    fields[BALLOTS_FIELD] = totals.ballots
    reach = (str(floor.cluster), floor.previous_xid, floor.xid, floor.running, floor.ballots)
    drift, ballots, until_ms, since = await valkey.call(
        "voting_reconcile",
        _keys(contest_id),
        [msgspec.msgpack.encode((*reach, restored, fields))],
    )
    if drift < 0:
        raise SuspectedLoss(ballots, datetime.fromtimestamp(until_ms / 1000, UTC), since)
    return int(drift)


async def forget_counts(valkey: Valkey, contest_id: int) -> None:
    """Delete the live counters, so that they are not read before `set_counts`. How many ballots
    were stored is still known. Raises StoreUnavailable."""
    await valkey.call("voting_forget", _keys(contest_id), [])
