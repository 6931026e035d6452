"""A site that lasts, and its readers."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.browser.site import Site, running_site
from tests.sites.public.pages.reader import (
    PLATFORM_ORIGIN,
    Reader,
    reading,
)
from voting_service.settings import Settings


@pytest.fixture(scope="session")
async def lasting_site(
    lasting_settings: Callable[[str], Awaitable[Settings]],
) -> AsyncIterator[Site]:
    """One site for every test that changes nothing but ballots of new voters."""
    settings = await lasting_settings("test_lasting_pages")
    origins = {"demo": [PLATFORM_ORIGIN], "other": ["https://other.example"]}
    async with running_site(settings, platform_origins=origins) as running:
        running.subjects = itertools.count(2_000_000)
        yield running


@pytest.fixture
async def reader(lasting_site: Site) -> AsyncIterator[Reader]:
    """Somebody new, with no scripts, at the lasting site."""
    async with reading(lasting_site) as new:
        yield new


@pytest.fixture
async def refused(reader: Reader) -> AsyncIterator[Reader]:
    """Somebody signed in of whom no ballot may be stored, whatever the test sends."""
    await reader.enter()
    before = await reader.stored_ballots()
    yield reader
    assert await reader.stored_ballots() == before, "a refused form stored a ballot"
