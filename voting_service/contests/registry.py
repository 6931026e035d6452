"""The contests and platforms a worker holds in memory, refreshed within a second of a change."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from voting_service.contests.model import Contest, Platform
from voting_service.contests.store import QUERIES, load_platforms, load_readable_contests
from voting_service.errors import NotFound, StoreUnavailable
from voting_service.storage.postgres import (
    ACQUIRE_TIMEOUT_SECONDS,
    COMMAND_TIMEOUT_SECONDS,
    Pool,
    PooledConnection,
    acquire,
    require_durable_server,
)
from voting_service.tasks import FailureLog, run_forever

REFRESH_SECONDS = 1.0
STALE_SECONDS = 10.0
"""A refresh that is older than this is a fault. One round that waits as long as it may for a
connection and for one statement is not."""
assert STALE_SECONDS > REFRESH_SECONDS + ACQUIRE_TIMEOUT_SECONDS + COMMAND_TIMEOUT_SECONDS
RETRY_FAILING_SECONDS = 10.0
"""A contest that could not be opened is tried again this often, though nothing about it changed:
its key may have been put right."""

Listener = Callable[[PooledConnection], Awaitable[None]]


class Registry:
    """What requests look up without asking a store. Empty until the first `refresh`."""

    def __init__(self) -> None:
        self.contests: dict[str, Contest] = {}
        self.platforms: dict[str, Platform] = {}
        self.failing: dict[str, Exception] = {}
        """By slug the contests that are there and could not be opened, with the reason."""
        self.loaded = False
        self.refreshed_at: float | None = None
        """When the newest refresh succeeded, in seconds of `time.monotonic`."""
        self._revisions: int | None = None
        self._loaded_at = 0.0
        self._listeners: list[Listener] = []
        self._failures = FailureLog("registry", "contest_not_opened")

    def contest(self, slug: str) -> Contest:
        """Raises NotFound."""
        found = self.contests.get(slug)
        if found is None:
            raise NotFound(f"there is no contest {slug!r}")
        return found

    def on_change(self, listener: Listener) -> None:
        """`listener` is awaited with the connection after every change, before it shows. It adds
        the contests that it cannot open to `failing`; what it raises undoes the refresh."""
        self._listeners.append(listener)

    def age_seconds(self) -> float | None:
        """How long ago the newest refresh succeeded; None before the first."""
        return None if self.refreshed_at is None else time.monotonic() - self.refreshed_at

    async def refresh(self, pool: Pool) -> bool:
        """Reads what changed; True when something did. Raises StoreUnavailable."""
        async with acquire(pool) as connection:
            revisions = await connection.fetchval(QUERIES["revisions"])
            is_new = revisions != self._revisions or self._should_retry()
            if is_new:
                await self._load(connection)
                self._revisions = revisions
                self.loaded = True
        self.refreshed_at = time.monotonic()
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
        """For a listener: this contest cannot be opened. Raises `error` again when it speaks of
        the store and not of the contest."""
        if isinstance(error, StoreUnavailable):
            raise error
        self.failing[slug] = error

    async def keep_fresh(self, pool: Pool, *others: Pool) -> None:
        """Refreshes for ever; what is held stays in use while Postgres is away.

        Every round also asks whether the server still keeps what it commits; if not, no
        connection of these pools is used any more.
        """

        async def refresh() -> None:
            await require_durable_server(pool, *others)
            await self.refresh(pool)

        await run_forever("registry", refresh, pause_seconds=REFRESH_SECONDS)
