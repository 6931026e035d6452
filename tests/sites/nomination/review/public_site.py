"""The public site beside the staff site, on the same stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.browser.serving import serving
from tests.sites.public.api.running_service import PATIENT
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.settings import Settings
from voting_service.sites.public.app import create_app
from voting_service.sites.public.state import PublicState


@asynccontextmanager
async def running_public_site(
    settings: Settings, clock: Clock = system_clock
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the public service, which has read the contests."""
    with pytest.MonkeyPatch.context() as patch:
        # The tests' own log handlers stay.
        patch.setattr("voting_service.sites.public.app.configure_logs", lambda _level: None)
        app = create_app(settings, clock, PATIENT)
        async with serving(app, lifespan="on") as (server, origin):
            state: PublicState = server.lifespan.state["app_state"]
            while not state.registry.loaded:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            async with httpx.AsyncClient(base_url=origin, timeout=20) as client:
                yield client
