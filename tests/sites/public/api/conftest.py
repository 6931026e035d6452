"""The real app under a real server: one for all that only refuse, one of its own for the rest."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from os import urandom

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretBytes

from tests.sites.public.api.running_service import (
    MovedClock,
    Service,
    running_service,
)
from voting_service.demo.embedded_postgres import APPLICATION, EmbeddedPostgres
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings

TEMPLATE = "voting_template"


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
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    administrator: Connection,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Service]:
    """One service for every test that leaves nothing behind in it."""
    name = "test_lasting_service"
    await postgres.create_database(administrator, name, template=TEMPLATE)
    key_file = tmp_path_factory.mktemp("lasting") / "signing.pem"
    key_file.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    settings = Settings(
        database_url=postgres.url(APPLICATION, name),
        valkey_url=valkey.url,
        master_key=SecretBytes(urandom(32)),
        signing_key_file=key_file,
        workers=1,
    )
    async with running_service(settings) as running:
        running.subjects = itertools.count(1_000_000)
        yield running
    await administrator.execute(f'drop database "{name}" with (force)')


@pytest.fixture
async def shared_service(lasting_service: Service) -> AsyncIterator[Service]:
    """The lasting service; whatever the test sent it, no ballot may have been stored."""
    before = await lasting_service.stored_ballots()
    yield lasting_service
    assert await lasting_service.stored_ballots() == before, "a refused request stored a ballot"
