"""The public site beside another one, on the same stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.browser.serving import serving
from tests.patience import PATIENCE_SECONDS
from tests.sites.public.api.running_service import PATIENT
from voting_service.infrastructure.clock import Clock, system_clock
from voting_service.settings import Settings
from voting_service.sites.public.app import create_app
from voting_service.sites.public.overload import PublicHttpProtocol
from voting_service.sites.public.state import PublicState


@asynccontextmanager
async def serving_public_site(
    settings: Settings, clock: Clock
) -> AsyncIterator[tuple[PublicState, str]]:
    """Serve the public site, which has read its contests; yield its state and its origin."""
    with pytest.MonkeyPatch.context() as patch:
        # The tests' own log handlers and garbage collection stay.
        patch.setattr("voting_service.sites.public.app.configure_logs", lambda _level: None)
        patch.setattr("voting_service.sites.public.app._collect_garbage_less_often", lambda: None)
        app = create_app(settings, clock, PATIENT)
        async with serving(app, lifespan="on", http=PublicHttpProtocol) as (server, origin):
            state: PublicState = server.lifespan.state["app_state"]
            await state.registry.refresh(state.read_pool)
            yield state, origin


@asynccontextmanager
async def public_site(
    settings: Settings, clock: Clock = system_clock
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the public site; yield a client of it."""
    async with serving_public_site(settings, clock) as (_, origin):
        async with httpx.AsyncClient(base_url=origin, timeout=PATIENCE_SECONDS) as client:
            yield client
