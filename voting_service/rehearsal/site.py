"""The public site of the rehearsal in this process, as browsers and platforms call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voting_service.demo.embedded_server import HOST
from voting_service.rehearsal.stores import RehearsalStage
from voting_service.sites.public.app import create_app
from voting_service.sites.public.state import PublicState, WorkerLimits

TIMEOUT_SECONDS = 60.0
LIMITS = WorkerLimits(
    clock_offset_seconds=TIMEOUT_SECONDS * 1e9,
    valkey_call_seconds=TIMEOUT_SECONDS,
    cache_age_seconds=TIMEOUT_SECONDS,
)
"""Between a jump of the database's clock and of ours a worker's clock is wrong, and a rehearsal
shares its machine with the stores: neither is a failure of the contest."""


class Site(NamedTuple):
    """The running site: its client, which sends from the address in X-Forwarded-For, and state."""

    client: httpx.AsyncClient
    state: PublicState

    async def notice_changes(self) -> None:
        """Do now what a worker does every second: load contests and prepare the standings."""
        await self.state.registry.refresh(self.state.control_pool)
        for cache in self.state.standings_caches():
            await cache.refresh()


@asynccontextmanager
async def open_site(stage: RehearsalStage) -> AsyncIterator[Site]:
    """Run the public site with the rehearsal's clock."""
    app = create_app(stage.settings, stage.clock, LIMITS)
    async with _lifespan(app) as lifespan_state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(lifespan_state)}, receive, send)

        transport = httpx.ASGITransport(with_state, client=(HOST, 1))
        async with httpx.AsyncClient(
            transport=transport, base_url=stage.settings.public_url, timeout=TIMEOUT_SECONDS
        ) as client:
            site = Site(client, lifespan_state["app_state"])
            await site.notice_changes()
            yield site


@asynccontextmanager
async def _lifespan(app: ASGIApp) -> AsyncIterator[MutableMapping[str, Any]]:
    """Start and stop an app as its server does (ASGI, lifespan protocol)."""
    state: dict[str, Any] = {}
    stopping, started = asyncio.Event(), asyncio.Event()
    events = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))

    async def receive() -> Message:
        event = next(events)
        if event["type"] == "lifespan.shutdown":
            await stopping.wait()
        return event

    async def send(message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            raise RuntimeError(message.get("message"))
        started.set()

    async def run() -> None:
        await app({"type": "lifespan", "state": state}, receive, send)

    running = asyncio.create_task(run())
    waiting = asyncio.create_task(started.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        yield state
    finally:
        waiting.cancel()
        stopping.set()
        await running
