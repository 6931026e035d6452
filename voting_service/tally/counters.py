"""⑦ Count: after the answer, the batch's deltas go to the live counters in Valkey.

Fenced by the transaction that stored the ballots, so that a delta is applied once whatever is
repeated. What gets lost on the way (Valkey away, a worker killed between commit and count) the
reconciler repairs from the record.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

import msgpack

from voting_service import metrics
from voting_service.errors import StoreUnavailable
from voting_service.storage.valkey import Valkey, contest_tag
from voting_service.tasks import FailureLog, run_forever

BALLOTS_FIELD = "ballots"
MAX_WAITING_BATCHES = 5_000
FLUSH_SECONDS = 0.05


def register_functions(valkey: Valkey) -> None:
    """Names the counters' functions to a client that will call them."""
    valkey.register_functions(__package__, "counters.lua")


class Counted(NamedTuple):
    """The deltas of one stored batch; `votes` by candidate number as text."""

    contest_id: int
    xid: int
    ballots: int
    votes: dict[str, int]


class Counts(NamedTuple):
    """Votes by candidate number, and the ballots they came on."""

    ballots: int
    votes: dict[int, int]


class CounterFeed:
    """Sends stored batches to the counters in the background, several in one call.

    Bounded: when Valkey is away the oldest are dropped and left to the reconciler.
    """

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._waiting: deque[Counted] = deque()
        self._arrived = asyncio.Event()
        self._failures = FailureLog("counters", "counters_not_sent")

    def put(self, counted: Counted) -> None:
        """Never waits."""
        if not counted.ballots:
            return
        if len(self._waiting) >= MAX_WAITING_BATCHES:
            self._waiting.popleft()
            metrics.COUNTS_LOST.inc()
        self._waiting.append(counted)
        self._arrived.set()

    async def run(self) -> None:
        """Flushes for ever."""

        async def flush() -> None:
            await self._arrived.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

        await run_forever("counters", flush)

    async def flush(self) -> None:
        """Sends everything that waits, one call a contest. What one of them loses the reconciler
        repairs, and the others are sent all the same."""
        self._arrived.clear()
        by_contest: dict[int, list[tuple[int, dict[str, int]]]] = {}
        while self._waiting:
            counted = self._waiting.popleft()
            deltas = {**counted.votes, BALLOTS_FIELD: counted.ballots}
            by_contest.setdefault(counted.contest_id, []).append((counted.xid, deltas))
        for contest_id, batches in by_contest.items():
            try:
                with metrics.STEP_SECONDS.labels("count").time():
                    await self._valkey.call(
                        "voting_count", [contest_tag(contest_id)], [msgpack.packb(batches)]
                    )
            except StoreUnavailable:
                metrics.COUNTS_LOST.inc(len(batches))
            except Exception as error:
                metrics.COUNTS_LOST.inc(len(batches))
                self._failures.add(error, contest=str(contest_id))
            else:
                self._failures.clear(contest=str(contest_id))


async def read_counts(valkey: Valkey, contest_id: int) -> Counts | None:
    """The live counters; None when they mean nothing yet. Raises StoreUnavailable."""
    flat = await valkey.call("voting_counts", [contest_tag(contest_id)], [])
    if not flat:
        return None
    counts = {flat[i].decode(): int(flat[i + 1]) for i in range(0, len(flat), 2)}
    ballots = counts.pop(BALLOTS_FIELD, 0)
    return Counts(ballots, {int(number): votes for number, votes in counts.items()})


async def set_counts(valkey: Valkey, contest_id: int, floor: int, totals: Counts) -> int:
    """Sets what the record says below `floor`; returns by how many votes live was off."""
    fields = {str(number): votes for number, votes in totals.votes.items()}
    fields[BALLOTS_FIELD] = totals.ballots
    drift: int = await valkey.call(
        "voting_reconcile", [contest_tag(contest_id)], [str(floor), msgpack.packb(fields)]
    )
    return drift


async def forget_counts(valkey: Valkey, contest_id: int) -> None:
    """Removes the live counters, so that nobody reads them until `set_counts`. Raises
    StoreUnavailable."""
    await valkey.call("voting_forget", [contest_tag(contest_id)], [])
