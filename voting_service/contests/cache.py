"""The in-memory cache of contests and platforms, refreshed within a second of a change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from voting_service.contests.model import Contest, Platform
from voting_service.contests.repository import (
    QUERIES,
    load_platforms,
    load_readable_contests,
)
from voting_service.errors import (
    NotFound,
    StoreUnavailable,
    spread_retry_seconds,
)
from voting_service.infrastructure.postgres.pool import (
    Pool,
    PooledConnection,
    acquire,
    require_durable_server,
)
from voting_service.infrastructure.tasks import FailureLog, run_forever
from voting_service.infrastructure.timeouts import CACHE_REFRESH_SECONDS, CACHE_STALE_SECONDS

RETRY_FAILING_SECONDS = 10.0
"""How often a contest that could not be loaded is retried without a change: its key may have been
corrected."""

Listener = Callable[[PooledConnection], Awaitable[None]]


class ContestCache:
    """Contests and platforms for requests, without a query. Empty until the first `refresh`."""

    def __init__(self) -> None:
        self.max_age_seconds = CACHE_STALE_SECONDS
        self.contests: dict[str, Contest] = {}
        self.platforms: dict[str, Platform] = {}
        self.failing: dict[str, Exception] = {}
        """Contests that could not be loaded, by slug, with the reason."""
        self._first_load = asyncio.Event()
        self.refreshed_at: float | None = None
        """When the newest successful refresh began, in seconds of `time.monotonic`."""
        self._revisions: int | None = None
        self._loaded_at = 0.0
        self._listeners: list[Listener] = []
        self._failures = FailureLog("registry", "contest_not_opened")

    @property
    def loaded(self) -> bool:
        """Whether contests and platforms were loaded once."""
        return self._first_load.is_set()

    async def wait_until_loaded(self, seconds: float) -> None:
        """Wait for the first refresh, but no longer than this."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._first_load.wait(), seconds)

    def contest(self, slug: str) -> Contest:
        """Return a contest. Raises NotFound."""
        contest = self.contests.get(slug)
        if contest is None:
            raise NotFound("contests.no_such_contest", slug=slug)
        return contest

    def on_change(self, listener: Listener) -> None:
        """Register a listener, awaited with the connection after every change, before the change is
        used. It calls `fail` for contests that it cannot load; an exception undoes the refresh."""
        self._listeners.append(listener)

    def age_seconds(self) -> float | None:
        """Return the age of the newest successful refresh; None before the first."""
        return None if self.refreshed_at is None else time.monotonic() - self.refreshed_at

    def require_current(self) -> None:
        """Raises StoreUnavailable before the first refresh, and while the newest is too old to rely
        on: a platform may have been switched off since."""
        age_seconds = self.age_seconds()
        if age_seconds is None or age_seconds > self.max_age_seconds:
            raise StoreUnavailable(
                "contests.not_current", retry_after_seconds=spread_retry_seconds()
            )

    async def refresh(self, pool: Pool) -> bool:
        """Load changes; return whether there were any. Raises StoreUnavailable."""
        began_at = time.monotonic()
        async with acquire(pool) as connection:
            revisions = await connection.fetchval(QUERIES["revisions"])
            is_new = revisions != self._revisions or self._should_retry()
            if is_new:
                await self._load(connection)
                self._revisions = revisions
                self._first_load.set()
        self.refreshed_at = began_at
        return is_new

    def _should_retry(self) -> bool:
        return bool(self.failing) and time.monotonic() - self._loaded_at > RETRY_FAILING_SECONDS

    async def _load(self, connection: PooledConnection) -> None:
        contests, unreadable = await load_readable_contests(connection)
        platforms = await load_platforms(connection)
        previous = self.contests, self.platforms, self.failing
        self.contests = {contest.slug: contest for contest in contests}
        self.platforms = {platform.slug: platform for platform in platforms}
        self.failing = dict(unreadable)
        try:
            for listener in self._listeners:
                await listener(connection)
        except BaseException:
            self.contests, self.platforms, self.failing = previous
            raise
        self._loaded_at = time.monotonic()
        for slug, error in self.failing.items():
            self._failures.add(error, contest=slug)
        for slug in previous[2].keys() - self.failing.keys():
            self._failures.clear(contest=slug)

    def fail(self, slug: str, error: Exception) -> None:
        """Mark a contest as failing, for listeners. Raises `error` if it is about the store."""
        if isinstance(error, StoreUnavailable):
            raise error
        self.failing[slug] = error

    async def keep_fresh(self, pool: Pool, *others: Pool) -> None:
        """Refresh until cancelled; the cache stays in use while Postgres is unavailable.

        Every round also checks that the server is durable; if not, the connections of these pools
        are no longer used.
        """

        async def refresh() -> None:
            await require_durable_server(pool, *others)
            await self.refresh(pool)

        await run_forever(
            "registry",
            refresh,
            pause_seconds=CACHE_REFRESH_SECONDS,
            stuck_after_seconds=CACHE_STALE_SECONDS,
        )
