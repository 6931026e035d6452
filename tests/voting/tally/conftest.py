"""What the tests of the tally share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.voting.tally.second_cluster import second_cluster
from voting_service.demo.embedded_postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
async def elsewhere() -> AsyncIterator[EmbeddedPostgres]:
    """Another cluster than the session's."""
    async with second_cluster() as server:
        yield server
