"""A desk of its own for each test, and browsers that watch for what goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import DESKTOP, TIMEOUT_MS
from tests.browser.guard import Guard
from tests.sites.console.running_office import Office, running_office
from tests.sites.public.api.running_service import MovedClock
from voting_service.settings import Settings


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def office(settings: Settings, clock: MovedClock) -> AsyncIterator[Office]:
    async with running_office(settings, clock) as running:
        yield running


@pytest.fixture
def guard(office: Office) -> Iterator[Guard]:
    """Fails the test for console errors, page errors and requests to other hosts."""
    watching = Guard(office.origin)
    yield watching
    assert watching.verdict() == []


@pytest.fixture
async def desktop(chromium: Browser, guard: Guard) -> AsyncIterator[Page]:
    """A page on a desktop, 1280 × 800, read in Chinese."""
    context = await chromium.new_context(**DESKTOP, locale="zh-CN")
    context.set_default_timeout(TIMEOUT_MS)
    guard.watch(context)
    yield await context.new_page()
    await context.close()
