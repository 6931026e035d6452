"""The database's clock as a test moves it."""

from __future__ import annotations

from datetime import datetime

from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.postgres.database_clock import DatabaseClock
from voting_service.infrastructure.postgres.pool import AnyConnection


def as_database_clock(clock: Clock) -> DatabaseClock:
    """Postgres, as if its time were the clock's."""

    async def now(_connection: AnyConnection) -> datetime:
        return clock()

    return now
