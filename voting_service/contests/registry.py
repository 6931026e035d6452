"""The contests and platforms a worker holds in memory, refreshed within a second of a change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from voting_service.contests.model import Contest, Platform
from voting_service.contests.store import QUERIES, load_contests, load_platforms
from voting_service.errors import NotFound, StoreUnavailable
from voting_service.storage.postgres import Pool, PooledConnection, acquire

REFRESH_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Registry:
    """What requests look up without asking a store. Empty until the first `refresh`."""

    def __init__(self) -> None:
        self.contests: dict[str, Contest] = {}
        self.platforms: dict[str, Platform] = {}
        self.loaded = False
        self._revisions: int | None = None
        self._listeners: list[Callable[[PooledConnection], Awaitable[None]]] = []

    def contest(self, slug: str) -> Contest:
        """Raises NotFound."""
        found = self.contests.get(slug)
        if found is None:
            raise NotFound(f"there is no contest {slug!r}")
        return found

    def on_change(self, listener: Callable[[PooledConnection], Awaitable[None]]) -> None:
        """`listener` is awaited with the connection after every change, before it shows."""
        self._listeners.append(listener)

    async def refresh(self, pool: Pool) -> bool:
        """Reads what changed; True when something did. Raises StoreUnavailable."""
        async with acquire(pool) as connection:
            revisions = await connection.fetchval(QUERIES["revisions"])
            if revisions == self._revisions:
                return False
            contests = await load_contests(connection)
            platforms = await load_platforms(connection)
            previous = self.contests, self.platforms
            self.contests = {contest.slug: contest for contest in contests}
            self.platforms = {platform.slug: platform for platform in platforms}
            try:
                for listener in self._listeners:
                    await listener(connection)
            except BaseException:
                self.contests, self.platforms = previous
                raise
            self._revisions = revisions
            self.loaded = True
            return True

    async def keep_fresh(self, pool: Pool) -> None:
        """Refreshes for ever; what is held stays in use while Postgres is away."""
        while True:
            try:
                await self.refresh(pool)
            except StoreUnavailable as error:
                log.warning("registry_not_refreshed", reason=str(error))
            await asyncio.sleep(REFRESH_SECONDS)
