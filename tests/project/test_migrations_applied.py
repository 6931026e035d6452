"""`voting-service migrate` against a real Postgres: twice, and by two processes at once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from voting_service.demo.embedded_postgres import OWNER, PROCESSES, EmbeddedPostgres
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.migrations import latest_revision, upgrade
from voting_service.infrastructure.postgres.pool import Connection, connect

NAME = "test_migrate"


@pytest.fixture
async def empty_database_url(
    postgres: EmbeddedPostgres, administrator: Connection
) -> AsyncIterator[str]:
    """The owner's URL of an empty database."""
    await postgres.create_database(administrator, NAME)
    yield postgres.url(OWNER, NAME)
    await administrator.execute(f'drop database "{NAME}" with (force)')


async def start_migrate(database_url: str, valkey_url: str) -> asyncio.subprocess.Process:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("VOTING_")},
        "VOTING_DATABASE_URL": database_url,
        "VOTING_OWNER_DATABASE_URL": database_url,
        "VOTING_VALKEY_URL": valkey_url,
        "VOTING_MASTER_KEY": "A" * 43 + "=",
        "VOTING_SIGNING_KEY_FILE": os.devnull,
    }
    return await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("voting-service"),
        "migrate",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def migrated(process: asyncio.subprocess.Process) -> None:
    """Wait until a `migrate` has succeeded."""
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert latest_revision() in output.decode()


async def schema(database_url: str) -> list[tuple[object, ...]]:
    """Return all columns and the database's migration."""
    connection = await connect(database_url)
    try:
        columns = await connection.fetch(
            "select table_name, column_name, data_type from information_schema.columns"
            " where table_schema = 'public' order by 1, 2"
        )
        revisions = await connection.fetch("select version_num from alembic_version")
    finally:
        await connection.close()
    assert [tuple(row) for row in revisions] == [(latest_revision(),)]
    return [tuple(row) for row in columns]


async def test_a_second_run_changes_nothing(empty_database_url: str, valkey_url: str) -> None:
    await migrated(await start_migrate(empty_database_url, valkey_url))
    first = await schema(empty_database_url)
    assert "ballots" in {table for table, *_ in first}
    await migrated(await start_migrate(empty_database_url, valkey_url))
    assert await schema(empty_database_url) == first


async def test_processes_that_migrate_at_once_all_end_well(
    empty_database_url: str, valkey_url: str
) -> None:
    processes = [await start_migrate(empty_database_url, valkey_url) for _ in range(4)]
    await asyncio.gather(*(migrated(process) for process in processes))
    assert "ballots" in {table for table, *_ in await schema(empty_database_url)}


async def test_the_owner_needs_no_right_to_make_roles_that_exist(
    administrator: Connection, empty_database_url: str, postgres: EmbeddedPostgres
) -> None:
    rights = "select rolcreaterole or rolsuper from pg_roles where rolname = $1"
    assert await administrator.fetchval(rights, OWNER) is False
    await asyncio.to_thread(upgrade, empty_database_url)
    stranger = postgres.url(PROCESSES["serve"], NAME)
    await administrator.execute(f'drop database "{NAME}" with (force)')
    await postgres.create_database(administrator, NAME)
    with pytest.raises(Refused, match=r"lacks a right: .*permission denied for schema public"):
        await asyncio.to_thread(upgrade, stranger)
