"""The citizens' face over the same stores, with the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.browser.serving import serving
from tests.staff.running_office import Office
from voting_service.public.app import create_app
from voting_service.public.worker import Worker


@asynccontextmanager
async def public_site(office: Office) -> AsyncIterator[str]:
    """Its origin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voting_service.public.app.configure_logs", lambda _level: None)
        patch.setattr("voting_service.public.app._collect_garbage_less_often", lambda: None)
        app = create_app(office.settings, office.clock)
        async with serving(app, lifespan="on") as (server, origin):
            worker: Worker = server.lifespan.state["worker"]
            await worker.registry.refresh(worker.read_pool)
            yield origin
