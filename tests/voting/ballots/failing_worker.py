"""A worker that can die at every point between ③ and ⑦."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, get_args

from tests.infrastructure.postgres.tcp_proxy import TcpProxy, containing
from tests.senders import sender
from voting_service.antifraud.screening.rate_limits import LocalLimits
from voting_service.contests.model import Contest, Platform
from voting_service.errors import Unavailable
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.postgres.database_clock import ClockWatch
from voting_service.infrastructure.postgres.pool import Pool
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting.ballots.admit import Admitter
from voting_service.voting.ballots.commit import QUERIES
from voting_service.voting.ballots.pipeline import BallotPipeline, Dependencies
from voting_service.voting.ballots.vote import DatedBallot, Outcome
from voting_service.voting.tally.counters import CounterDelta, CounterFeed

ANY_SECONDS = 1e8
"""How far its clock may be off: tests move it."""

Point = Literal[
    "admitted",  # ③ done: hints without ballots
    "insert lost",  # ⑤ never reached Postgres
    "answer lost",  # ⑤ stored, and nobody heard of it
    "committed",  # ⑤ done, ⑥ not begun
    "answered",  # ⑥ done, ⑦ not begun
]
POINTS: tuple[Point, ...] = get_args(Point)
_PARAMETERS = max(int(number) for number in re.findall(r"\$(\d+)", QUERIES["insert_ballots"]))
_INSERT = containing(b"\x00\x01\x00\x01" + _PARAMETERS.to_bytes(2, "big"))
"""The bind of the insert: every parameter in binary, and how many there are."""

Ballot = tuple[bytes, int, DatedBallot]
"""Voter, platform, ballot."""


class _Dying:
    """Stands between the caster and what it needs, and dies on command."""

    def __init__(self) -> None:
        self.at: Point | None = None
        self.died = asyncio.Event()

    def here(self, point: Point) -> None:
        if self.at == point:
            self.died.set()
            raise asyncio.CancelledError


class _Admitter(Admitter):
    def __init__(self, valkey: Valkey, dying: _Dying) -> None:
        super().__init__(valkey, LocalLimits())
        self._dying = dying

    async def admit(self, *arguments: Any, **named: Any) -> Any:
        admissions = await super().admit(*arguments, **named)
        self._dying.here("admitted")
        return admissions


class _Pool:
    def __init__(self, pool: Pool, dying: _Dying) -> None:
        self._pool = pool
        self._dying = dying

    @asynccontextmanager
    async def acquire(self, *, timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109
        async with self._pool.acquire(timeout=timeout) as connection:
            yield connection
        self._dying.here("committed")


class _Feed(CounterFeed):
    def __init__(self, valkey: Valkey, dying: _Dying) -> None:
        super().__init__(valkey)
        self._dying = dying

    def put(self, counted: CounterDelta) -> None:
        self._dying.here("answered")
        super().put(counted)


class FailingWorker:
    """One worker's vote path; after `die` it is a fresh one in the same place."""

    def __init__(
        self,
        contest: Contest,
        platforms: dict[int, Platform],
        *,
        pool: Pool,
        record_wire: TcpProxy,
        valkey: Valkey,
        clock: Clock,
    ) -> None:
        self._contest = contest
        self._start: Callable[[], None] = lambda: self._fresh(platforms, pool, valkey, clock)
        self._record_wire = record_wire
        self._start()

    def _fresh(
        self,
        platforms: dict[int, Platform],
        pool: Pool,
        valkey: Valkey,
        clock: Clock,
    ) -> None:
        self._dying = _Dying()
        self.feed: CounterFeed = _Feed(valkey, self._dying)
        standing_in: Any = _Pool(pool, self._dying)
        needs = Dependencies(
            standing_in,
            _Admitter(valkey, self._dying),
            self.feed,
            ClockWatch(clock, limit_seconds=ANY_SECONDS),
        )
        self.pipeline = BallotPipeline(self._contest, b"k" * 32, needs, queue_limit=1_000)
        self.pipeline.platforms = platforms

    def learn(self, contest: Contest) -> None:
        """Hear of a change of the contest, as from the refresh of its cache."""
        self._contest = self.pipeline.contest = contest

    async def cast(
        self, ballots: list[Ballot], while_waiting: Callable[[], None] = lambda: None
    ) -> list[Outcome]:
        """Cast ballots that share a batch; `while_waiting` is called while they wait for it."""
        waiting = self._submit(ballots)
        while_waiting()
        return await asyncio.gather(*waiting)

    async def die(self, point: Point, ballots: list[Ballot]) -> list[Outcome | None]:
        """Dies at `point` with these votes on their way; None where the voter heard nothing.
        When the votes do not get that far it answers them and lives."""
        self._dying.at = point
        if point == "insert lost":
            self._record_wire.drop_next(_INSERT)
        if point == "answer lost":
            self._record_wire.deafen_next(_INSERT)
        answers = self._submit(ballots)
        died = asyncio.create_task(self._dying.died.wait())
        answered = asyncio.create_task(asyncio.wait(answers))
        await asyncio.wait([died, answered], return_when=asyncio.FIRST_COMPLETED)
        shown = [answer.result() if answer.done() else None for answer in answers]
        died.cancel()
        answered.cancel()
        for answer in answers:
            answer.cancel()
        if self._dying.died.is_set() or any(isinstance(o, Unavailable) for o in shown):
            self.stop()
            self._start()
        self._dying.at = None
        self._record_wire.forget_rules()
        return shown

    def stop(self) -> None:
        """At once, and without a word to anybody."""
        for task in (self.pipeline._ticking, *self.pipeline._running):
            task.cancel()

    def _submit(self, ballots: list[Ballot]) -> list[asyncio.Future[Outcome]]:
        return [
            self.pipeline.submit(
                voter=voter,
                platform_id=platform,
                sender=sender(),
                solved=False,
                ballot=ballot,
            )
            for voter, platform, ballot in ballots
        ]
