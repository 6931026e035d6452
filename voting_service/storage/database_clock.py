"""The clock of Postgres, by which the vote opens, closes and is counted, and how far the clock of
this process is from it.

A worker dates ballots by its own clock. One that is wrong would store them in another day, before
the opening or after what was already counted; so it measures itself against Postgres and stores
nothing while it is off by more than MAX_OFFSET_SECONDS.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple, TypeAlias

import structlog

from voting_service import metrics
from voting_service.clock import Clock
from voting_service.errors import StoreUnavailable, Unavailable
from voting_service.storage.postgres import AnyConnection, Pool, acquire, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__, "database_clock.sql")

MAX_OFFSET_SECONDS = 2.0
_RIGHT_AGAIN_SECONDS = 1.5
"""Below the limit, so that a clock at the limit does not change its state all the time."""
MEASURE_EVERY_SECONDS = 1.0

DatabaseClock: TypeAlias = Callable[[AnyConnection], Awaitable[datetime]]
"""Asks for the current time over a connection, so that tests can move it."""

log = structlog.get_logger(__name__)


async def database_time(connection: AnyConnection) -> datetime:
    """The current time of Postgres. Raises StoreUnavailable."""
    with domain_errors():
        now: datetime = await connection.fetchval(QUERIES["database_time"])
    return now


class Offset(NamedTuple):
    """How far a clock is ahead of Postgres' (behind: negative): somewhere in these bounds."""

    least_seconds: float
    most_seconds: float

    @classmethod
    def measured(cls, sent: datetime, database: datetime, received: datetime) -> Offset:
        """From the clock before asking, Postgres' answer, and the clock afterwards. The width of
        the bounds is the round trip; a slow one makes the offset uncertain, never wrong."""
        bounds = (sent - database).total_seconds(), (received - database).total_seconds()
        return cls(min(bounds), max(bounds))

    @property
    def middle_seconds(self) -> float:
        return (self.least_seconds + self.most_seconds) / 2

    @property
    def certain_seconds(self) -> float:
        """How far off the clock is at least, ahead or behind."""
        return max(self.least_seconds, -self.most_seconds, 0.0)

    def __str__(self) -> str:
        side = "ahead" if self.middle_seconds > 0 else "behind"
        return f"{side} by {abs(self.middle_seconds):.1f} s"


class ClockWatch:
    """Whether one process's clock may date ballots."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._offset: Offset | None = None
        self._is_wrong = False
        self._is_measured = True

    @property
    def state(self) -> str:
        """`ok`, `not measured`, or by how much the clock is `ahead by` or `behind by`."""
        if self._offset is None:
            return "not measured"
        return str(self._offset) if self._is_wrong else "ok"

    def judge(self, sent: datetime, database: datetime, received: datetime) -> None:
        """Takes a measurement; logs when the clock turns wrong or right. Arguments as for
        Offset.measured."""
        offset = self._offset = Offset.measured(sent, database, received)
        metrics.CLOCK_OFFSET.set(offset.middle_seconds)
        limit_seconds = _RIGHT_AGAIN_SECONDS if self._is_wrong else MAX_OFFSET_SECONDS
        is_wrong = offset.certain_seconds > limit_seconds
        if is_wrong and not self._is_wrong:
            log.error(
                "clock_wrong",
                clock=str(offset),
                effect="this worker stores no ballots and opens no sessions",
                remedy="set this machine's clock, or the database's, by a time server",
            )
        elif self._is_wrong and not is_wrong:
            log.warning("clock_right_again", offset_seconds=round(offset.middle_seconds, 3))
        self._is_wrong = is_wrong

    def require(self) -> None:
        """Raises Unavailable while the clock is known to be wrong."""
        if self._is_wrong:
            raise Unavailable(
                "this server's clock is wrong; nothing was stored, please try again",
                retry_after_seconds=random.randint(1, 4),  # noqa: S311 — spreading load
            )

    async def require_measured(self, pool: Pool) -> None:
        """Raises Unavailable unless the clock is right. Measures first where it was never
        measured or was wrong; costs nothing otherwise."""
        if self._is_wrong or self._offset is None:
            await self.measure(pool)
        self.require()

    async def measure(self, pool: Pool) -> None:
        """Asks Postgres. Raises StoreUnavailable."""
        async with acquire(pool) as connection:
            sent = self.clock()
            database = await database_time(connection)
            self.judge(sent, database, self.clock())

    async def keep_measured(self, pool: Pool) -> None:
        """Measures for ever; what was measured last stands while Postgres is away."""
        while True:
            try:
                await self.measure(pool)
                self._is_measured = True
            except StoreUnavailable as error:
                if self._is_measured:  # once, not every second of an outage
                    log.warning("clock_not_measured", reason=str(error))
                self._is_measured = False
            except Exception:
                log.exception("clock_not_measured")
            await asyncio.sleep(MEASURE_EVERY_SECONDS)
