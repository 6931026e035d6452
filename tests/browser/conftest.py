"""Pages in Chromium that fail their test when anything goes wrong in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page

from tests.browser.guard import Guard
from tests.browser.pages import DESKTOP, PHONE, open_page
from tests.browser.serving import ForeignSite, foreign_sites
from tests.browser.site import Site, running_site
from voting_service.settings import Settings


@pytest.fixture
def chromium(whole_chromium: Browser) -> Browser:
    """What a platform's page may do to the vote inside it is decided by the whole browser."""
    return whole_chromium


@pytest.fixture(scope="session")
async def two_foreign_sites() -> AsyncIterator[tuple[ForeignSite, ForeignSite]]:
    async with foreign_sites(2) as (platform, stranger):
        yield platform, stranger


@pytest.fixture
def platform_site(two_foreign_sites: tuple[ForeignSite, ForeignSite]) -> ForeignSite:
    """The web site of the platform `demo`; its origin is registered."""
    two_foreign_sites[0].clear()
    return two_foreign_sites[0]


@pytest.fixture
def stranger_site(two_foreign_sites: tuple[ForeignSite, ForeignSite]) -> ForeignSite:
    """A web site that no platform has registered."""
    two_foreign_sites[1].clear()
    return two_foreign_sites[1]


@pytest.fixture
async def site(settings: Settings, platform_site: ForeignSite) -> AsyncIterator[Site]:
    """The service with the demo's fifty candidates and stores of its own."""
    origins = {"demo": [platform_site.origin], "other": ["https://other.example"]}
    async with running_site(settings, platform_origins=origins) as running:
        yield running


@pytest.fixture
def guard(site: Site) -> Iterator[Guard]:
    """Fails the test for console errors, page errors and requests to other hosts."""
    watching = Guard(site.origin)
    yield watching
    assert watching.verdict() == []


@pytest.fixture
async def phone(chromium: Browser, guard: Guard) -> AsyncIterator[Page]:
    """A page on a phone, 390 × 844, touched."""
    async with open_page(chromium, guard, **PHONE) as page:
        yield page


@pytest.fixture
async def desktop(chromium: Browser, guard: Guard) -> AsyncIterator[Page]:
    """A page on a desktop, 1280 × 800."""
    async with open_page(chromium, guard, **DESKTOP) as page:
        yield page


@pytest.fixture
async def no_scripts(chromium: Browser, guard: Guard) -> AsyncIterator[Page]:
    """A phone that runs no scripts."""
    async with open_page(chromium, guard, **PHONE, java_script_enabled=False) as page:
        yield page
