"""The browser and the site of tests/browser, for the pages' own tests."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from os import urandom

import pytest
from pydantic import SecretBytes

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
from tests.sites.public.pages.reader import (
    PLATFORM_ORIGIN,
    Reader,
    reading,
)
from voting_service.demo.embedded_postgres import APPLICATION, EmbeddedPostgres
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.infrastructure.postgres.pool import Connection
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

TEMPLATE = "voting_template"


@pytest.fixture(scope="session")
async def lasting_site(
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    administrator: Connection,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Site]:
    """One site for every test that changes nothing but ballots of new voters."""
    name = "test_lasting_pages"
    await postgres.create_database(administrator, name, template=TEMPLATE)
    settings = Settings(
        database_url=postgres.url(APPLICATION, name),
        valkey_url=valkey.url,
        master_key=SecretBytes(urandom(32)),
        signing_key_file=tmp_path_factory.mktemp("pages") / "none.pem",
        workers=1,
    )
    origins = {"demo": [PLATFORM_ORIGIN], "other": ["https://other.example"]}
    async with running_site(settings, platform_origins=origins) as running:
        running.subjects = itertools.count(2_000_000)
        yield running
    await administrator.execute(f'drop database "{name}" with (force)')


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
