"""What the desk holds while it serves: settings, connections, contests, its look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.requests import Request

from voting_service.clock import Clock
from voting_service.contests.model import Contest
from voting_service.contests.registry import Registry
from voting_service.desk.face import Face
from voting_service.desk.office_provider import office_provider
from voting_service.errors import Unavailable
from voting_service.outside.openid import OpenIdProvider
from voting_service.settings import Settings
from voting_service.storage.postgres import (
    AnyConnection,
    Connection,
    Pool,
    acquire,
    connect,
    domain_errors,
    open_pool,
)
from voting_service.tasks import end_tasks

POOL_SIZE = 8
LONG_CONNECTIONS = 4
"""Recounts, rulings and exports that run at once; the next one is asked to wait."""


class Desk:
    """One process's state, in every request as `request.state.desk`."""

    def __init__(
        self,
        settings: Settings,
        *,
        pool: Pool,
        clock: Clock,
        face: Face,
        openid: OpenIdProvider | None = None,
    ) -> None:
        self.settings = settings
        self.pool = pool
        self.clock = clock
        self.face = face
        self.openid = openid
        """The office's own sign-in, if it has one."""
        self.registry = Registry()
        self._long = asyncio.Semaphore(LONG_CONNECTIONS)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AnyConnection]:
        """A pooled connection for short statements: Postgres ends one after four seconds.

        Raises StoreUnavailable.
        """
        async with acquire(self.pool) as connection:
            yield connection

    @asynccontextmanager
    async def long_connection(self, seconds: float) -> AsyncIterator[Connection]:
        """A connection of its own, whose statements may take `seconds` each: for recounts,
        rulings and exports. Raises Unavailable while as many as may run do run."""
        if self._long.locked():
            raise Unavailable("several long tasks are running; try again in a moment", 5)
        async with self._long:
            connection = await connect(self.settings.database_url)
            try:
                with domain_errors():
                    await connection.execute(
                        "select set_config('statement_timeout', $1, false)",
                        str(round(seconds * 1000)),
                    )
                    yield connection
            finally:
                await connection.close()

    @property
    def is_https(self) -> bool:
        """Whether staff reach the desk over https; it decides the cookies' kind."""
        return self.settings.office_url.startswith("https://")


def desk_of(request: Request) -> Desk:
    """The desk that serves a request."""
    desk: Desk = request.state.desk
    return desk


def contest_of(request: Request) -> Contest:
    """The contest of the path. Raises NotFound."""
    return desk_of(request).registry.contest(request.path_params["slug"])


@asynccontextmanager
async def running(
    settings: Settings, clock: Clock, face: Face, http: httpx.AsyncClient | None = None
) -> AsyncIterator[Desk]:
    """A desk whose contests are kept fresh; it asks other servers through `http`."""
    async with (
        open_pool(settings.database_url, size=POOL_SIZE) as pool,
        http or httpx.AsyncClient(timeout=5, follow_redirects=False) as outside,
    ):
        openid = office_provider(settings, outside, clock)
        desk = Desk(settings, pool=pool, clock=clock, face=face, openid=openid)
        fresh = asyncio.create_task(desk.registry.keep_fresh(pool), name="registry")
        try:
            yield desk
        finally:
            await end_tasks([fresh])
