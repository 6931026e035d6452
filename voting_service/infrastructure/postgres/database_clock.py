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
        self._read_at: tuple[datetime, float] | None = None
        """The clock and the monotonic one at the last measurement."""
        self._offset: Offset | None = None
        self._is_wrong = False

    @property
    def state(self) -> str:
        """`ok`, `not measured`, or by how much the clock is `ahead by` or `behind by`."""
        if self._offset is None:
            return "not measured"
        return str(self._offset) if self._is_wrong else "ok"

    def judge(self, sent: datetime, database: datetime, received: datetime) -> None:
        """Record a measurement (see Offset.measured); log when the clock becomes wrong or right."""
        offset = self._offset = Offset.measured(sent, database, received)
        self._read_at = self.clock(), self._monotonic()
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

    def _has_jumped(self) -> bool:
        """Return whether the clock was set since the last measurement, which tells nothing then."""
        if self._read_at is None:
            return False
        time_read, monotonic_read = self._read_at
        passed_seconds = (self.clock() - time_read).total_seconds()
        return abs(passed_seconds - (self._monotonic() - monotonic_read)) > self.limit_seconds

    def require(self) -> None:
        """Raises Unavailable while the clock is known to be wrong, and after a jump until it is
        measured."""
        if self._is_wrong or self._has_jumped():
            raise Unavailable(
                "infrastructure.postgres.clock_wrong",
                retry_after_seconds=spread_retry_seconds(),
            )

    async def require_measured(self, pool: Pool) -> None:
        """Raises Unavailable unless the clock is right. Measures first unless it is known to be."""
        if self._is_wrong or self._offset is None or self._has_jumped():
            await self.measure(pool)
        self.require()

    async def measure(self, pool: Pool) -> None:
        """Measure the offset once. Raises StoreUnavailable."""
        async with acquire(pool) as connection:
            sent = self.clock()
            database = await database_time(connection)
            self.judge(sent, database, self.clock())

    async def keep_measured(self, pool: Pool) -> None:
        """Measure until cancelled. The last result stays valid while Postgres is unavailable."""
        await run_forever(
            "clock",
            lambda: self.measure(pool),
            pause_seconds=MEASURE_EVERY_SECONDS,
            stuck_after_seconds=STUCK_AFTER_SECONDS,
        )
