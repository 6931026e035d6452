"""A worker with a wrong clock, from outside: votes and sign-ins get 503, readyz the reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.patience import PATIENCE_SECONDS, eventually
from tests.sites.public.api.running_service import (
    MovedClock,
    Service,
    check_problem,
    running_service,
)
from voting_service.settings import Settings
from voting_service.sites.public.state import WorkerLimits

LIMITS = WorkerLimits(valkey_call_seconds=PATIENCE_SECONDS, cache_age_seconds=PATIENCE_SECONDS)
"""How far a clock may be off is that of production."""


async def clock_state(service: Service, *, ok: bool) -> str:
    """What readyz states once the loop has measured."""
    state = ""

    async def is_measured() -> bool:
        nonlocal state
        answer = await service.client.get("/readyz")
        state = answer.json()["clock"]
        assert answer.status_code == (200 if state == "ok" else 503)
        return (state == "ok") is ok

    await eventually(is_measured)
    return state


@pytest.mark.parametrize(
    ("off", "side"),
    [
        (timedelta(hours=26), "ahead by "),
        (timedelta(seconds=7), "ahead by "),
        (timedelta(seconds=-7), "behind by "),
        (timedelta(days=-3), "behind by "),
    ],
    ids=str,
)
async def test_nothing_is_stored_and_readyz_gives_the_reason_until_the_clock_is_right(
    settings: Settings, clock: MovedClock, off: timedelta, side: str
) -> None:
    async with running_service(settings, clock=clock, limits=LIMITS) as service:
        session, token = await service.open_session(), service.token("later")
        clock.offset = off
        assert (await clock_state(service, ok=False)).startswith(side)
        for refused in (await service.cast(session, [1]), await service.sign_in(token)):
            problem = check_problem(refused, 503)
            assert "clock" in problem["detail"]
            assert int(refused.headers["retry-after"]) >= 1
        assert await service.stored_ballots() == 0
        clock.offset = timedelta()
        await clock_state(service, ok=True)
        assert (await service.cast(session, [1])).status_code == 201
        assert (await service.sign_in(token)).status_code == 201
