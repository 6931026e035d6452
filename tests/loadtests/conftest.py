"""One live stand for the tests of the load tools: real stores, `serve` and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from loadtests.stand import Stand, open_stand


@pytest.fixture(scope="session")
async def stand() -> AsyncIterator[Stand]:
    async with open_stand(workers=1, background=False) as opened:
        yield opened
