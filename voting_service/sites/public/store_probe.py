"""How Postgres is, for `readyz`."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from voting_service.infrastructure.postgres.pool import Pool, acquire
from voting_service.infrastructure.postgres.schema import require_schema
from voting_service.sites.shared.health import store_state
from voting_service.voting.tally.repository import cluster_state


class PostgresStates(NamedTuple):
    """`ok` or the word for what is wrong, of Postgres and of the tally kept in it."""

    postgres: str
    tally: str


class PostgresProbe:
    """Asks Postgres over the connection of the control plane: a flood of reads does not make it
    look unavailable. Who asks while a question is under way shares its answer, so that a flood of
    them does not hold up the control plane."""

    def __init__(self, control_pool: Pool) -> None:
        self._pool = control_pool
        self._asking: asyncio.Task[PostgresStates] | None = None

    async def states(self) -> PostgresStates:
        """Return the states as they are now."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="postgres probe")
        return await asyncio.shield(self._asking)

    async def _ask(self) -> PostgresStates:
        tally = "unknown"

        async def ping() -> None:
            nonlocal tally
            async with acquire(self._pool) as connection:
                await require_schema(connection)
                tally = await cluster_state(connection)

        return PostgresStates(await store_state(ping()), tally)
