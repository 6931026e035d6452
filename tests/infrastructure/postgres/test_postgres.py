"""Errors of Postgres as domain errors, and timeouts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest

import voting_service
from tests.contest_data import store_contest, store_platform
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, containing
from tests.patience import eventually
from voting_service.errors import (
    InvalidInput,
    Refused,
    StoreUnavailable,
    VotingError,
)
from voting_service.infrastructure.postgres import pool as postgres
from voting_service.infrastructure.postgres.constraint_errors import (
    find_constraint_error,
    register_constraint_errors,
)
from voting_service.infrastructure.postgres.pool import (
    Connection,
    Pool,
    acquire,
    connect,
    domain_errors,
    open_pool,
)
from voting_service.infrastructure.timeouts import (
    COMMAND_TIMEOUT_SECONDS,
    STATEMENT_TIMEOUT_SECONDS,
)


@pytest.fixture
async def wired_pool(record_wire: TcpProxy) -> AsyncIterator[Pool]:
    async with open_pool(record_wire.url, size=2) as opened:
        yield opened


async def answers(pool: Pool) -> bool:
    try:
        async with acquire(pool) as connection:
            return bool(await connection.fetchval("select true"))
    except StoreUnavailable:
        return False


def constraint_tables() -> Mapping[str, Mapping[str, VotingError]]:
    """The `CONSTRAINTS` of every package, by module."""
    package = Path(voting_service.__file__).parent
    modules = [
        ".".join(path.relative_to(package.parent).with_suffix("").parts)
        for path in sorted(package.rglob("constraints.py"))
    ]
    return {module: import_module(module).CONSTRAINTS for module in modules}


async def test_every_constraint_with_an_error_exists(database: Connection) -> None:
    names = await database.fetch(
        "select conname as name from pg_constraint"
        " union select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid"
        " union select (regexp_matches(prosrc, 'constraint = ''(\\w+)''', 'g'))[1] from pg_proc"
    )
    # Its trigger puts these names together from what contest_publication_blocker answers.
    answers = await database.fetchval(
        "select array_agg(found[1]) from pg_proc, regexp_matches(prosrc, $$return '(\\w+)'$$, 'g')"
        " as found where proname = 'contest_publication_blocker'"
    )
    known_names = {row["name"] for row in names} | {
        f"contest_publication_{answer}" for answer in answers
    }
    named = [name for table in constraint_tables().values() for name in table]
    assert len(named) > 60
    assert len(set(named)) == len(named)
    assert set(named) <= known_names


def test_what_the_sites_import_registers_every_constraint() -> None:
    program = "import sys, voting_service.sites.public.app, voting_service.sites.staff_app\n"
    program += "from voting_service.infrastructure.postgres.constraint_errors import _ERRORS\n"
    program += "print(*_ERRORS)"
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    registered = set(answer.stdout.decode().split())
    assert {name for table in constraint_tables().values() for name in table} <= registered


async def test_a_broken_constraint_is_a_domain_error(database: Connection) -> None:
    await store_contest(database, b"m" * 32)
    with pytest.raises(InvalidInput) as twice:
        await store_contest(database, b"m" * 32)
    assert [fault.field for fault in twice.value.faults] == ["slug"]
    await store_platform(database, "one")
    with pytest.raises(InvalidInput, match="platform"):
        await store_platform(database, "one")


async def test_every_broken_constraint_raises_a_new_error(database: Connection) -> None:
    """A shared exception would gather the tracebacks of every request."""
    await store_platform(database, "one")
    with pytest.raises(InvalidInput) as first:
        await store_platform(database, "one")
    assert first.value is not find_constraint_error("platforms_slug_key")
    assert str(first.value) == str(find_constraint_error("platforms_slug_key"))


def test_two_packages_cannot_register_the_same_constraint() -> None:
    with pytest.raises(RuntimeError, match="records_stay"):
        register_constraint_errors({"records_stay": Refused("infrastructure.postgres.append_only")})


async def test_an_unregistered_constraint_is_a_bug_and_passes_through(
    database: Connection,
) -> None:
    with pytest.raises(asyncpg.NotNullViolationError), domain_errors():
        await database.execute("insert into tally_floors (contest_id) values (1)")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.AdminShutdownError(),
        asyncpg.CrashShutdownError(),
        asyncpg.QueryCanceledError(),
        asyncpg.LockNotAvailableError(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.SerializationError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.ReadOnlySQLTransactionError(),
        asyncpg.DiskFullError(),
        asyncpg.OutOfMemoryError(),
    ],
)
def test_what_may_pass_by_itself_is_store_unavailable(error: Exception) -> None:
    with pytest.raises(StoreUnavailable) as raised, domain_errors():
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [ValueError("bug"), asyncpg.UndefinedColumnError()])
def test_a_bug_stays_a_bug(error: Exception) -> None:
    with pytest.raises(type(error)), domain_errors():
        raise error


async def test_a_pool_opens_without_postgres_and_works_when_it_comes(
    record_wire: TcpProxy,
) -> None:
    await record_wire.refuse()
    async with open_pool(record_wire.url, size=2) as pool:
        with pytest.raises(StoreUnavailable):
            async with acquire(pool):
                pass
        await record_wire.listen()
        async with acquire(pool) as connection:
            assert await connection.fetchval("select 1") == 1


async def test_a_hanging_postgres_is_given_up_and_asked_again(
    record_wire: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "COMMAND_TIMEOUT_SECONDS", 0.3)
    async with open_pool(record_wire.url, size=2) as pool:
        await eventually(lambda: answers(pool))
        record_wire.hang()
        assert not await answers(pool)
        record_wire.flow()
        await eventually(lambda: answers(pool))


async def test_nobody_waits_long_for_a_connection(
    wired_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with acquire(wired_pool), acquire(wired_pool):
        monkeypatch.setattr(postgres, "ACQUIRE_TIMEOUT_SECONDS", 0.2)
        assert not await answers(wired_pool)


async def test_a_cut_within_a_transaction_leaves_nothing_behind(
    wired_pool: Pool, record_wire: TcpProxy, database: Connection
) -> None:
    record_wire.drop_next(containing(b"COMMIT"))
    with pytest.raises(StoreUnavailable):
        async with acquire(wired_pool) as connection, connection.transaction():
            await store_platform(connection, "lost")
    assert await database.fetchval("select count(*) from platforms") == 0


@pytest.mark.usefixtures("production_limits")
async def test_pooled_sessions_have_postgres_end_what_takes_too_long(database_url: str) -> None:
    async with open_pool(database_url, size=1) as pool, acquire(pool) as connection:
        for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            milliseconds = await connection.fetchval(
                "select setting::int from pg_settings where name = $1", setting
            )
            assert 0 < milliseconds <= 10_000, setting
    assert STATEMENT_TIMEOUT_SECONDS * 1000 < COMMAND_TIMEOUT_SECONDS * 1_000


async def test_a_session_that_holds_a_lease_is_not_kept_for_a_machine_that_vanished(
    database_url: str,
) -> None:
    connection = await connect(database_url)
    idle, interval, count = [
        await connection.fetchval("select setting::int from pg_settings where name = $1", name)
        for name in ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
    ]
    assert idle + interval * count <= 60
    await connection.close()


async def test_connect_states_when_there_is_nothing() -> None:
    with pytest.raises(VotingError, match="did not answer"):
        await connect("postgresql://nobody@127.0.0.1:1/nothing")
