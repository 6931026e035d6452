"""Who holds a transaction open is measured and named, and holds no count up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.contest_data import store_contest
from tests.infrastructure.postgres.copies import copyable_server
from tests.patience import eventually
from tests.voting.tally.forged import NOW, insert_ballot
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    SUPERUSER,
    EmbeddedPostgres,
)
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.oldest_transaction import LIMIT_SECONDS, oldest_transaction_loop
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.voting.tally.counters import read_counts


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[EmbeddedPostgres]:
    async with copyable_server() as running:
        yield running


@pytest.fixture
async def service(server: EmbeddedPostgres) -> AsyncIterator[Connection]:
    """A session with the rights of the services."""
    connection = await connect(server.url(APPLICATION))
    yield connection
    await connection.close()


def oldest_seconds() -> float | None:
    return REGISTRY.get_sample_value("voting_oldest_transaction_seconds")


async def first_line(service: Connection, **named: object) -> dict[str, Any]:
    """The first line that names this, with a clock that passes the limit before every round."""
    now = 0.0
    loop = oldest_transaction_loop(lambda: now)
    lines: list[Any] = []

    async def is_named() -> bool:
        nonlocal now
        now += LIMIT_SECONDS
        with capture_logs() as captured:
            await loop.work(service)
        lines[:] = [line for line in captured if named.items() <= line.items()]
        return bool(lines)

    await eventually(is_named)
    assert (oldest_seconds() or 0.0) >= LIMIT_SECONDS
    line: dict[str, Any] = lines[0]
    assert (line["event"], line["log_level"]) == ("transaction_too_old", "error")
    assert line["seconds"] >= LIMIT_SECONDS
    return line


async def test_an_idle_transaction_in_another_database_is_named_and_holds_no_count_up(
    server: EmbeddedPostgres, service: Connection, valkey_client: Valkey
) -> None:
    contest = await store_contest(service, b"m" * 32)
    idle = await asyncpg.connect(server.url(SUPERUSER, "postgres"))
    await idle.execute(f"begin; {NOW}; select 'a secret'")
    pid = idle.get_server_pid()
    line = await first_line(service, pid=pid)
    assert (line["database"], line["user"]) == ("postgres", SUPERUSER)
    assert "secret" not in str(line)
    for n in range(3):
        await insert_ballot(service, contest.id, [1])
        await reconcile_loop(valkey_client).work(service)
        assert await read_counts(valkey_client, contest.id) == (n + 1, {1: n + 1})
        await valkey_client.command("FLUSHALL")
    await idle.close()


async def test_a_long_job_of_our_own_is_named_with_its_moments(
    server: EmbeddedPostgres, service: Connection
) -> None:
    job = await connect(server.url(APPLICATION))
    await job.execute(f"begin; {NOW}")
    line = await first_line(service, pid=job.get_server_pid())
    assert (line["user"], line["state"]) == (APPLICATION, "idle in transaction")
    assert line["began_at"] <= line["last_query_at"]
    await job.close()


async def test_a_forgotten_prepared_transaction_is_named(
    server: EmbeddedPostgres, service: Connection
) -> None:
    owner = await connect(server.url(OWNER))
    await owner.execute(f"begin; {NOW}")
    await owner.execute("prepare transaction 'forgotten'")
    line = await first_line(service, prepared="forgotten")
    assert (line["database"], line["user"]) == ("voting", OWNER)
    await owner.execute("rollback prepared 'forgotten'")
    await owner.close()


async def test_nothing_is_named_while_nothing_runs(service: Connection) -> None:
    loop = oldest_transaction_loop(lambda: 0.0)
    with capture_logs() as lines:
        await loop.work(service)
    assert lines == []
    assert oldest_seconds() == 0.0
