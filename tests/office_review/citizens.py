"""The citizens' face beside the desk, on the same stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.browser.serving import serving
from voting_service.clock import Clock, system_clock
from voting_service.public.app import create_app
from voting_service.public.worker import Worker
from voting_service.settings import Settings


@asynccontextmanager
async def running_citizens_face(
    settings: Settings, clock: Clock = system_clock
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the public service, which has read the contests."""
    with pytest.MonkeyPatch.context() as patch:
        # The tests' own log handlers stay.
        patch.setattr("voting_service.public.app.configure_logs", lambda _level: None)
        app = create_app(settings, clock)
        async with serving(app, lifespan="on") as (server, origin):
            worker: Worker = server.lifespan.state["worker"]
            while not worker.registry.loaded:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            async with httpx.AsyncClient(base_url=origin, timeout=20) as client:
                yield client
