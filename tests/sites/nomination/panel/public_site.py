"""The citizens' face over the same stores, with the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.browser.serving import serving
from tests.sites.console.running_office import Office
from tests.sites.public.api.running_service import PATIENT
from voting_service.sites.public.app import create_app
from voting_service.sites.public.state import PublicState


@asynccontextmanager
async def public_site(office: Office) -> AsyncIterator[str]:
    """Its origin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voting_service.sites.public.app.configure_logs", lambda _level: None)
        patch.setattr("voting_service.sites.public.app._collect_garbage_less_often", lambda: None)
        app = create_app(office.settings, office.clock, PATIENT)
        async with serving(app, lifespan="on") as (server, origin):
            state: PublicState = server.lifespan.state["app_state"]
            await state.registry.refresh(state.read_pool)
            yield origin
