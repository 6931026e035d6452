"""The database's clock, and how complete its ballots are, as a test moves them."""

from __future__ import annotations

from datetime import datetime, timedelta

from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.postgres.database_clock import DatabaseClock
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.infrastructure.timeouts import COMMIT_GRACE_SECONDS
from voting_service.voting.completeness import Completeness, CompletenessReader

GRACE = timedelta(seconds=COMMIT_GRACE_SECONDS)


def as_database_clock(clock: Clock) -> DatabaseClock:
    """Postgres, as if its time were the clock's."""

    async def now(_connection: AnyConnection) -> datetime:
        return clock()

    return now


def as_completeness(clock: Clock) -> CompletenessReader:
    """Postgres, as if its time were the clock's and no transaction ran."""

    async def completeness(_connection: AnyConnection) -> Completeness:
        return Completeness(clock(), clock() - GRACE)

    return completeness
