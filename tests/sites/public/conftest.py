"""The browser and the site of tests/browser, for the pages' own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.browser.conftest import (
    desktop,
    guard,
    no_scripts,
    phone,
    platform_site,
    site,
    stranger_site,
    two_foreign_sites,
)
from tests.browser.site import Site, running_site
from tests.sites.public.pages.reader import PLATFORM_ORIGIN
from voting_service.settings import Settings

__all__ = [
    "desktop",
    "guard",
    "no_scripts",
    "phone",
    "platform_site",
    "site",
    "stranger_site",
    "two_foreign_sites",
]


@pytest.fixture(scope="session")
async def unchanged_site(
    lasting_settings: Callable[[str], Awaitable[Settings]],
) -> AsyncIterator[Site]:
    """One site for every test that only reads; nobody votes there."""
    settings = await lasting_settings("test_unchanged_site")
    async with running_site(settings, platform_origins={"demo": [PLATFORM_ORIGIN]}) as running:
        yield running
