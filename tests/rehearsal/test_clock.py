"""The rehearsal's time is that of its database, and of nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.patience import PATIENCE_SECONDS
from voting_service.demo.embedded_postgres import OWNER, SUPERUSER, EmbeddedPostgres
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.rehearsal.clock import QUERIES, FastClock
from voting_service.voting.completeness import load_completeness

NAME = "test_rehearsal_clock"
LATER = datetime(2042, 1, 1, tzinfo=UTC)


@pytest.fixture
async def superuser(
    postgres: EmbeddedPostgres, administrator: Connection
) -> AsyncIterator[Connection]:
    await postgres.create_database(administrator, NAME)
    connection = await connect(postgres.url(SUPERUSER, NAME))
    yield connection
    await connection.close()
    await administrator.execute(f'drop database "{NAME}" with (force)')


def is_just_after(moment: datetime, now: datetime) -> bool:
    return moment <= now < moment + timedelta(seconds=PATIENCE_SECONDS)


async def test_defaults_triggers_and_functions_take_the_moved_time(
    postgres: EmbeddedPostgres, administrator: Connection, superuser: Connection
) -> None:
    await superuser.execute(QUERIES["replace_clock"])
    await asyncio.to_thread(upgrade, postgres.url(OWNER, NAME))
    clock = FastClock(superuser)
    await clock.jump(LATER)
    owner = await connect(postgres.url(OWNER, NAME))
    try:
        now, complete_before = await load_completeness(owner)
        stated = await owner.fetchrow("select clock_timestamp() as clock, now() as now")
        entry = await owner.fetchval(
            "insert into transaction_fence values (default) on conflict"
            " (is_the_row) do update set is_the_row = true returning now()"
        )
        assert stated is not None
        for moment in (clock(), now, stated["clock"], stated["now"], entry):
            assert is_just_after(LATER, moment)
        assert LATER - timedelta(minutes=2) < complete_before < now

        await clock.jump(LATER - timedelta(days=1))
        assert is_just_after(LATER, await owner.fetchval("select clock_timestamp()")), "not back"
    finally:
        await owner.close()
    assert await administrator.fetchval("select clock_timestamp()") < LATER
