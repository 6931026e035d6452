"""A console of its own for each test, and browsers that watch for what goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page

from tests.browser.guard import Guard
from tests.browser.pages import DESKTOP, open_page
from tests.sites.console.running_staff_app import StaffApp, running_staff_app
from tests.sites.public.api.running_service import MovedClock
from voting_service.settings import Settings


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def staff_app(settings: Settings, clock: MovedClock) -> AsyncIterator[StaffApp]:
    async with running_staff_app(settings, clock) as running:
        yield running


@pytest.fixture
def guard(staff_app: StaffApp) -> Iterator[Guard]:
    """Fails the test for console errors, page errors and requests to other hosts."""
    watching = Guard(staff_app.origin)
    yield watching
    assert watching.verdict() == []


@pytest.fixture
async def desktop(chromium: Browser, guard: Guard) -> AsyncIterator[Page]:
    """A page on a desktop, 1280 × 800, read in Chinese."""
    async with open_page(chromium, guard, **DESKTOP) as page:
        yield page


@pytest.fixture
async def second_desktop(chromium: Browser, guard: Guard) -> AsyncIterator[Page]:
    """Another person's browser, beside `desktop`."""
    async with open_page(chromium, guard, **DESKTOP) as page:
        yield page
