"""A Valkey behind a proxy that can fail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.infrastructure.postgres.tcp_proxy import TcpProxy, tcp_proxy


@pytest.fixture
async def fast_wire(valkey_url: str) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(valkey_url) as proxy:
        yield proxy


@pytest.fixture
async def record_wire(database_url: str) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(database_url) as proxy:
        yield proxy
