"""The stores that all other tests use."""

from __future__ import annotations

import asyncpg
import pytest

from tests.patience import patient_valkey
from voting_service.infrastructure.postgres.pool import (
    Connection,
    Pool,
    acquire,
)
from voting_service.settings import Settings


async def test_a_test_database_is_migrated_and_empty(database: Connection) -> None:
    assert await database.fetchval("select count(*) from contests") == 0


async def test_the_application_may_not_change_a_ballot(database: Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("delete from ballots")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("create role intruder")


async def test_the_pool_and_the_connection_see_the_same_database(
    database: Connection, pool: Pool
) -> None:
    query = "select current_database()"
    async with acquire(pool) as pooled:
        assert await pooled.fetchval(query) == await database.fetchval(query)


async def test_the_settings_name_stores_that_answer(settings: Settings) -> None:
    valkey = patient_valkey(settings.valkey_url)
    assert await valkey.command("DBSIZE") == 0
    await valkey.probe()
    await valkey.close()
    connection = await asyncpg.connect(settings.migration_url)
    assert await connection.fetchval("select current_user") == "voting_owner"
    await connection.close()
