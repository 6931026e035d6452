"""A process's connections to Postgres: pooled ones, and a few for long statements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voting_service.errors import Unavailable
from voting_service.infrastructure.postgres.connection_budget import LONG_CONNECTIONS
from voting_service.infrastructure.postgres.durability import require_replicated
from voting_service.infrastructure.postgres.pool import (
    AnyConnection,
    Connection,
    Pool,
    acquire_confirming,
    connect,
    domain_errors,
)


class Database:
    """Gives out connections."""

    def __init__(self, pool: Pool, url: str) -> None:
        self.pool = pool
        self._url = url
        self._long = asyncio.Semaphore(LONG_CONNECTIONS)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AnyConnection]:
        """Acquire a pooled connection, whose statements Postgres ends after four seconds.

        Raises StoreUnavailable, also at the end if a commit is on this server alone though a
        standby is configured.
        """
        async with acquire_confirming(self.pool) as connection:
            yield connection

    @asynccontextmanager
    async def long_connection(self, seconds: float) -> AsyncIterator[Connection]:
        """Open a connection whose statements may take `seconds` each, for long tasks.

        Raises Unavailable while LONG_CONNECTIONS are in use.
        """
        if self._long.locked():
            raise Unavailable(
                "infrastructure.postgres.too_many_long_tasks",
                retry_after_seconds=5,
            )
        async with self._long:
            connection = await connect(self._url)
            try:
                with domain_errors(), require_replicated(connection):
                    await connection.execute(
                        "select set_config('statement_timeout', $1, false)",
                        str(round(seconds * 1000)),
                    )
                    yield connection
            finally:
                await connection.close()
