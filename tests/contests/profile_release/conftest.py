"""A contest with portraits, and its release."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.contest_data import both, show_picture, store_contest
from tests.picture_files import encoded
from voting_service.contests.model import Contest
from voting_service.contests.profile_release.pack import Release, load_release
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings


@pytest.fixture(scope="session")
def portraits() -> tuple[EncodedPicture, ...]:
    return tuple(encoded(shade) for shade in (40, 90, 140, 190, 240))


@pytest.fixture
async def contest(
    database: Connection, settings: Settings, portraits: tuple[EncodedPicture, ...]
) -> Contest:
    """Five candidates with portraits, the first with another picture too; published."""
    stored = await store_contest(database, settings.master_key.get_secret_value())
    for number, portrait in enumerate(portraits, 1):
        await show_picture(settings.owner_database_url, stored.id, number, portrait)
    picture = encoded(10, "picture")
    await show_picture(settings.owner_database_url, stored.id, 1, picture, both("车间"))
    return stored


@pytest.fixture
async def release(database: Connection, contest: Contest) -> Release:
    return await load_release(database, contest)


@pytest.fixture(scope="session")
def signing_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()
