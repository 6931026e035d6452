"""The rehearsal's time: it runs as fast as the machine's and jumps from one moment to the next.

The service's processes are handed their clock, and Postgres dates what it writes itself: so the
rehearsal's own database has other functions under the names `clock_timestamp` and `now`
(clock.sql). Valkey keeps the machine's time. Its limits are about bursts of seconds and minutes,
which happen between two jumps, and its keys are named by the day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection

QUERIES = Queries(__package__, "clock.sql")


class FastClock:
    """The time of the rehearsal, for this process (it is a Clock) and for the database."""

    def __init__(self, connection: Connection) -> None:
        """`connection` is a superuser's, in the database of the rehearsal."""
        self._connection = connection
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    async def jump(self, moment: datetime) -> None:
        """Make it `moment`, unless it is later already."""
        ahead = moment - datetime.now(UTC)
        if ahead > self._ahead or not self._ahead:
            await self._connection.execute(QUERIES["move_clock"], ahead)
            self._ahead = ahead
