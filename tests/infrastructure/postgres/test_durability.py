"""Sessions whose commits survive a crash, and servers that are refused as they lose commits."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import httpx
import pytest
from prometheus_client import REGISTRY

from tests.commands import process_environment
from tests.infrastructure.postgres.tcp_proxy import TcpProxy
from tests.patience import PATIENCE_SECONDS, eventually
from tests.sites.public.api.running_service import (
    MovedClock,
    check_problem,
    running_service,
    serving,
)
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    SUPERUSER,
    EmbeddedPostgres,
)
from voting_service.infrastructure.postgres.durability import NotDurable
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import (
    Connection,
    acquire,
    connect,
    open_pool,
)
from voting_service.infrastructure.tasks import end_tasks
from voting_service.jobs.loop_runner import Loop, run_loop
from voting_service.settings import Settings

FORGETFUL = 'alter database "{}" set voting.allow_data_loss = off'
"""The tests' server has fsync off: without this permission it is a server that is refused."""


class Ended(NamedTuple):
    """The output and exit code of a command."""

    code: int | None
    err: str


async def ended(settings: Settings, command: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("voting-service")),
        command,
        env=process_environment(settings),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ended(process.returncode, err.decode())


def failures(loop: str) -> float:
    return REGISTRY.get_sample_value("voting_loop_failures_total", {"loop": loop}) or 0.0


async def synchronous_commit(connection: asyncpg.Connection[asyncpg.Record]) -> str:
    setting: str = await connection.fetchval("show synchronous_commit")
    return setting


@pytest.mark.parametrize(
    ("configured", "used"),
    [
        ("off", "on"),
        ("local", "on"),
        ("remote_write", "on"),
        ("on", "on"),
        ("remote_apply", "remote_apply"),
    ],
)
@pytest.mark.parametrize("where", ["database", "role"])
async def test_our_sessions_commit_to_disk_whatever_is_configured(
    where: str, configured: str, used: str, administrator: Connection, database_name: str,
    database_url: str,
) -> None:  # fmt: skip
    in_role = f'role {APPLICATION} in database "{database_name}"'
    scope = in_role if where == "role" else f'database "{database_name}"'
    await administrator.execute(f"alter {scope} set synchronous_commit = {configured}")
    plain = await asyncpg.connect(database_url)
    assert await synchronous_commit(plain) == configured
    await plain.close()
    own = await connect(database_url)
    assert await synchronous_commit(own) == used
    await own.close()
    async with open_pool(database_url, size=1) as pool:
        for _ in range(2):
            async with acquire(pool) as connection:
                assert await connection.fetchval("show synchronous_commit") == used


async def test_no_connection_is_made_to_a_server_that_forgets(
    administrator: Connection, database_name: str, database_url: str
) -> None:
    await administrator.execute(FORGETFUL.format(database_name))
    with pytest.raises(NotDurable, match="fsync and full_page_writes is off") as refused:
        await connect(database_url)
    assert "fsync、full_page_writes" in refused.value.zh
    async with open_pool(database_url, size=1) as pool:
        with pytest.raises(NotDurable):
            async with acquire(pool):
                pass
        await administrator.execute(f'alter database "{database_name}" reset all')
        async with acquire(pool) as connection:
            assert await connection.fetchval("select 1") == 1


@pytest.mark.parametrize("command", ["serve", "console", "work"])
async def test_a_server_that_forgets_is_refused_at_start(
    command: str, administrator: Connection, database_name: str, settings: Settings
) -> None:
    await administrator.execute(FORGETFUL.format(database_name))
    code, err = await ended(settings, command)
    assert code == 1
    assert err.startswith(
        "error: VOTING_DATABASE_URL: the database server can lose confirmed data in a crash"
    )
    assert "fsync" in err
    assert "Traceback" not in err


async def test_a_server_that_forgets_and_comes_after_the_start_gets_no_vote(
    administrator: Connection, database_name: str, settings: Settings, record_wire: TcpProxy
) -> None:
    await administrator.execute(FORGETFUL.format(database_name))
    await record_wire.refuse()
    behind_wire = settings.model_copy(update={"database_url": record_wire.url})
    async with serving(behind_wire, MovedClock(), {}) as (_, address):
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
            assert (await client.get("/readyz")).json()["postgres"] == "away"
            await record_wire.listen()

            async def shows_the_word() -> bool:
                answer = await client.get("/readyz")
                assert answer.status_code == 503
                return bool(answer.json()["postgres"] == "not durable")

            await eventually(shows_the_word)


@pytest.fixture
async def own_postgres(servers_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A durable server whose configuration a test may change."""
    server = EmbeddedPostgres(servers_folder, shared_buffers="32MB")
    try:
        await server.start()
        await asyncio.to_thread(upgrade, server.url(OWNER))
        yield server
    finally:
        await server.stop()


async def configure(server: EmbeddedPostgres, setting: str, value: str) -> None:
    """Change the configuration and reload it."""
    connection = await asyncpg.connect(server.url(SUPERUSER))
    await connection.execute(f"alter system set {setting} = {value}")
    await connection.execute("select pg_reload_conf()")

    async def is_in_force() -> bool:
        return bool(await connection.fetchval(f"show {setting}") == value)

    await eventually(is_in_force)
    await connection.close()


async def test_a_server_that_starts_to_forget_confirms_nothing_until_it_is_set_right(
    settings: Settings, own_postgres: EmbeddedPostgres
) -> None:
    durable = settings.model_copy(update={"database_url": own_postgres.url(APPLICATION)})
    async with running_service(durable) as service:
        session = await service.open_session()

        async def readyz_is(status: int, postgres: str) -> None:
            async def check() -> bool:
                answer = await service.client.get("/readyz")
                return (answer.status_code, answer.json()["postgres"]) == (status, postgres)

            await eventually(check)

        for setting in ("fsync", "full_page_writes"):
            await configure(own_postgres, setting, "off")
            await readyz_is(503, "not durable")
            check_problem(await service.cast(session, [1]), 503)
            await configure(own_postgres, setting, "on")
            await readyz_is(200, "ok")
        assert await service.stored_ballots() == 0
        assert (await service.cast(session, [1])).status_code == 201


async def test_no_round_of_work_begins_on_a_server_that_forgets(
    own_postgres: EmbeddedPostgres,
) -> None:
    rounds = 0
    forgetful = False

    async def work(_connection: Connection) -> None:
        nonlocal rounds
        assert not forgetful
        rounds += 1

    async def another_round() -> None:
        seen = rounds
        await eventually(lambda: rounds > seen)

    task = asyncio.create_task(run_loop(Loop("test", 0.01, work), own_postgres.url(APPLICATION)))
    await another_round()
    before = failures("test")
    await configure(own_postgres, "fsync", "off")
    await eventually(lambda: failures("test") > before)
    forgetful = True
    await eventually(lambda: failures("test") > before + 1)
    forgetful = False
    await configure(own_postgres, "fsync", "on")
    await another_round()
    await end_tasks([task])
