"""A worker with a wrong clock, from outside: votes and sign-ins get 503, and readyz says why."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.sites.public.api.running_service import (
    MovedClock,
    Service,
    check_problem,
    running_service,
)
from voting_service.settings import Settings
from voting_service.sites.public.state import PRODUCTION_LIMITS


async def clock_state(service: Service, *, ok: bool) -> str:
    """What readyz says once the loop has measured."""
    async with asyncio.timeout(20):
        while True:
            answer = await service.client.get("/readyz")
            state: str = answer.json()["clock"]
            if (state == "ok") is ok:
                assert answer.status_code == (200 if ok else 503)
                return state
            await asyncio.sleep(0.05)


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
async def test_nothing_is_stored_and_readyz_says_why_until_the_clock_is_right(
    settings: Settings, clock: MovedClock, off: timedelta, side: str
) -> None:
    async with running_service(settings, clock=clock, limits=PRODUCTION_LIMITS) as service:
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
