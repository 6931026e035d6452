"""The real app under a real server: one for all that only refuse, one of its own for the rest."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.sites.public.api.running_service import (
    MovedClock,
    Service,
    running_service,
)
from voting_service.settings import Settings


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def service(settings: Settings, clock: MovedClock) -> AsyncIterator[Service]:
    """A service with stores of its own and a clock that the test moves."""
    async with running_service(settings, clock=clock) as running:
        yield running


@pytest.fixture(scope="session")
async def lasting_service(
    lasting_settings: Callable[[str], Awaitable[Settings]],
) -> AsyncIterator[Service]:
    """One service for every test that leaves nothing behind in it."""
    settings = await lasting_settings("test_lasting_service")
    async with running_service(settings) as running:
        running.subjects = itertools.count(1_000_000)
        yield running


@pytest.fixture
async def shared_service(lasting_service: Service) -> AsyncIterator[Service]:
    """The lasting service; whatever the test sent it, no ballot may have been stored."""
    before = await lasting_service.stored_ballots()
    yield lasting_service
    assert await lasting_service.stored_ballots() == before, "a refused request stored a ballot"
