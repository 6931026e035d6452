"""The clock of Postgres, and the offset of this process's clock from it.

Records are dated by the clock of the process that stores them, while deadlines are checked by the
clock of Postgres. So a process measures its clock against Postgres, and stores nothing dated while
it is off by more than the limit of its ClockWatch.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple, TypeAlias

import structlog

from voting_service.errors import Unavailable, spread_retry_seconds
from voting_service.infrastructure import metrics
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import (
    AnyConnection,
    Pool,
    acquire,
    domain_errors,
)
from voting_service.infrastructure.tasks import run_forever

QUERIES = Queries(__package__, "database_clock.sql")

MAX_OFFSET_SECONDS = 2.0
_RECOVERED = 0.75
"""The part of the limit below which a wrong clock counts as right again, so that a clock near the
limit does not change its state all the time."""
MEASURE_EVERY_SECONDS = 1.0
STUCK_AFTER_SECONDS = 10.0

DatabaseClock: TypeAlias = Callable[[AnyConnection], Awaitable[datetime]]
"""Returns the current time over a connection; tests replace it."""

log = structlog.get_logger(__name__)


async def database_time(connection: AnyConnection) -> datetime:
    """Return the current time of Postgres. Raises StoreUnavailable."""
    with domain_errors():
        now: datetime = await connection.fetchval(QUERIES["database_time"])
    return now


class Offset(NamedTuple):
    """Bounds of how far a clock is ahead of Postgres; negative if behind."""

    least_seconds: float
    most_seconds: float

    @classmethod
    def measured(cls, sent: datetime, database: datetime, received: datetime) -> Offset:
        """Return the offset from the clock before and after asking, and Postgres' answer.

        The bounds are as far apart as the round trip took.
        """
        bounds = (sent - database).total_seconds(), (received - database).total_seconds()
        return cls(min(bounds), max(bounds))

    @property
    def middle_seconds(self) -> float:
        """The middle of the bounds."""
        return (self.least_seconds + self.most_seconds) / 2

    @property
    def certain_seconds(self) -> float:
        """The least that the clock is off, ahead or behind."""
        return max(self.least_seconds, -self.most_seconds, 0.0)

    def __str__(self) -> str:
        side = "ahead" if self.middle_seconds > 0 else "behind"
        return f"{side} by {abs(self.middle_seconds):.1f} s"


class ClockReading(NamedTuple):
    """What the clock and the monotonic one showed at once; only the former can be set."""

    moment: datetime
    monotonic_seconds: float


class ClockWatch:
    """Watches whether this process's clock is accurate enough to date records."""

    def __init__(
        self,
        clock: Clock,
        *,
        limit_seconds: float = MAX_OFFSET_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.limit_seconds = limit_seconds
        self._monotonic = monotonic
        self._measured_from: ClockReading | None = None
        """The reading before the last measurement."""
        self._offset: Offset | None = None
        self._is_wrong = False

    @property
    def state(self) -> str:
        """`ok`, `not measured`, or by how much the clock is `ahead by` or `behind by`."""
        if self._offset is None:
            return "not measured"
        return str(self._offset) if self._is_wrong else "ok"

    def read(self) -> ClockReading:
        """Return what the clocks show now."""
        return ClockReading(self.clock(), self._monotonic())

    def judge(self, sent: ClockReading, database: datetime, received: ClockReading) -> None:
        """Record a measurement (see Offset.measured); log when the clock becomes wrong or right.
        One during which the clock was set tells nothing."""
        if self._was_set_between(sent, received):
            return
        offset = self._offset = Offset.measured(sent.moment, database, received.moment)
        self._measured_from = sent
        metrics.CLOCK_OFFSET.set(offset.middle_seconds)
        limit_seconds = self.limit_seconds * (_RECOVERED if self._is_wrong else 1)
        is_wrong = offset.certain_seconds > limit_seconds
        if is_wrong and not self._is_wrong:
            log.error(
                "clock_wrong",
                clock=str(offset),
                effect="this process stores nothing that it dates",
                remedy="synchronise this machine's clock and the database's with a time server",
            )
        elif self._is_wrong and not is_wrong:
            log.warning("clock_recovered", offset_seconds=round(offset.middle_seconds, 3))
        self._is_wrong = is_wrong

    def _was_set_between(self, first: ClockReading, second: ClockReading) -> bool:
        by_clock_seconds = (second.moment - first.moment).total_seconds()
        passed_seconds = second.monotonic_seconds - first.monotonic_seconds
        return abs(by_clock_seconds - passed_seconds) > self.limit_seconds

    def _is_known_right(self, now: ClockReading) -> bool:
        return (
            self._measured_from is not None
            and not self._is_wrong
            and not self._was_set_between(self._measured_from, now)
        )

    def require(self) -> datetime:
        """Return the time. Raises Unavailable while the clock is known to be wrong, and after a
        jump until it is measured."""
        now = self.read()
        if self._measured_from is not None and not self._is_known_right(now):
            raise Unavailable(
                "infrastructure.postgres.clock_wrong",
                retry_after_seconds=spread_retry_seconds(),
            )
        return now.moment

    async def require_measured(self, pool: Pool) -> None:
        """Raises Unavailable unless the clock is right. Measures first unless it is known to be."""
        if not self._is_known_right(self.read()):
            await self.measure(pool)
        self.require()

    async def measure(self, pool: Pool) -> None:
        """Measure the offset once. Raises StoreUnavailable."""
        async with acquire(pool) as connection:
            sent = self.read()
            database = await database_time(connection)
            self.judge(sent, database, self.read())

    async def keep_measured(self, pool: Pool) -> None:
        """Measure until cancelled. The last result stays valid while Postgres is unavailable."""
        await run_forever(
            "clock",
            lambda: self.measure(pool),
            pause_seconds=MEASURE_EVERY_SECONDS,
            stuck_after_seconds=STUCK_AFTER_SECONDS,
        )
