"""Several servers in one URL: the primary is found, whichever it is and whatever the others do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple

import asyncpg
import pytest

from tests.infrastructure.postgres.copies import Standby, copyable_server, running_standby
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, tcp_proxy
from tests.patience import eventually
from voting_service.demo.embedded_postgres import APPLICATION, OWNER, SUPERUSER, EmbeddedPostgres
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.errors import StoreFault, StoreUnavailable
from voting_service.infrastructure.postgres.hosts import host_names
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import (
    Pool,
    acquire,
    connect,
    open_pool,
    require_durable_server,
)
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.infrastructure.postgres.standby import StandbyWatch, standby_state


class Pair(NamedTuple):
    """A primary behind a wire, and its standby."""

    primary: EmbeddedPostgres
    wire: TcpProxy
    standby: Standby

    def url(self, *ports: int, role: str = APPLICATION) -> str:
        login = self.primary.url(role).rpartition("@")[0]
        return f"{login}@{','.join(f'{HOST}:{port}' for port in ports)}/voting"


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with copyable_server() as primary, running_standby(primary) as standby:
        async with tcp_proxy(primary.url(APPLICATION)) as wire:
            yield Pair(primary, wire, standby)


async def connected_port(pool: Pool) -> int | None:
    """Where the pool's connection leads; None while there is no primary."""
    try:
        async with acquire(pool) as connection:
            port: int = await connection.fetchval("select inet_server_port()")
            return port
    except StoreUnavailable:
        return None


async def test_the_primary_is_found_and_left_when_another_one_has_its_place(pair: Pair) -> None:
    await is_found_among_servers_that_are_standbys_frozen_or_down(pair)
    await is_left_though_it_takes_writes(pair)


async def is_found_among_servers_that_are_standbys_frozen_or_down(pair: Pair) -> None:
    wired = pair.wire.port
    for ports in ((wired, pair.standby.port), (pair.standby.port, free_port(), wired)):
        url = url_with_role(pair.url(*ports), "voting_jobs")
        connection = await connect(url)
        assert await connection.fetchval("select inet_server_port()") == pair.primary.port
        await connection.close()
    await asyncio.to_thread(upgrade, pair.url(pair.standby.port, wired, role=OWNER))

    pair.wire.hang()  # a machine that froze: it accepts connections and sends nothing
    pair.wire.cut()
    connection = await connect(pair.url(wired, pair.primary.port))
    await connection.close()
    for url in (pair.url(pair.standby.port, free_port()), pair.standby.url(APPLICATION)):
        with pytest.raises(StoreFault) as refused:
            await connect(url)
        assert refused.value.word == "no primary"


async def is_left_though_it_takes_writes(pair: Pair) -> None:
    """Its commits would wait for ever: the standby they wait for is the primary."""
    url, watch = pair.url(pair.primary.port, pair.standby.port), StandbyWatch()
    session = await connect(url)
    async with open_pool(url, size=2) as pool:
        await require_durable_server(pool)
        await watch.look(pool)
        assert (watch.state, await connected_port(pool)) == ("ok", pair.primary.port)
        administration = await asyncpg.connect(pair.standby.url(SUPERUSER))
        await administration.execute("select pg_promote()")
        await administration.close()

        async def is_elsewhere() -> bool:
            with suppress(StoreUnavailable):
                await watch.look(pool)
            return await connected_port(pool) == pair.standby.port

        await eventually(is_elsewhere)
        assert session.is_closed()


@pytest.mark.parametrize(
    ("awaited", "connected", "state"),
    [
        ("", ["one"], "none"),
        ("*", ["one"], "ok"),
        ("*", [], "missing"),
        ("one", ["two"], "missing"),
        ('"node-1"', ["node-1"], "ok"),
        ("FIRST 2 (one, two)", ["one", "three"], "missing"),
        ('any 1 (one,"two")', ["two"], "ok"),
        ("2 (one, two)", ["one", "two"], "ok"),
    ],
)
def test_standbys_are_missing_when_too_few_are_connected(
    awaited: str, connected: list[str], state: str
) -> None:
    assert standby_state(awaited, connected) == state


def test_the_servers_of_a_url() -> None:
    assert host_names("postgresql://a:b@one:1,[::1]:2/voting?x=1") == ("one:1", "[::1]:2")
