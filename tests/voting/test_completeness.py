"""When the ballots are complete: by the transactions and the clock of Postgres alone."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import asyncpg
import pytest

import voting_service
from tests.conftest import in_memory
from tests.contest_data import rules, store_contest, store_platform
from tests.patience import eventually
from tests.running_transactions import FORGET, running_transaction
from tests.voting.tally.forged import insert_ballot
from voting_service.contests.model import Contest, ReleaseSchedule
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    SUPERUSER,
    EmbeddedPostgres,
)
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.timeouts import COMMIT_GRACE_SECONDS
from voting_service.jobs.held_ballots import held_ballots_loop
from voting_service.jobs.loop_runner import Loop
from voting_service.jobs.recount_audit import recount_audit_loop
from voting_service.jobs.snapshots import snapshots_loop
from voting_service.jobs.sweep import moment_due
from voting_service.voting.completeness import load_completeness
from voting_service.voting.cut.examination import examine
from voting_service.voting.rulings.repository import load_holds
from voting_service.voting.tally.recount_audit import load_audit
from voting_service.voting.tally.repository import load_snapshot

GRACE = timedelta(seconds=COMMIT_GRACE_SECONDS)
OPENS = datetime(2022, 7, 1, tzinfo=UTC)
CLOSES = datetime(2022, 7, 3, 4, tzinfo=UTC)
DAILY = ReleaseSchedule(mode="daily", daily_at=time(12))
PACKAGE = Path(voting_service.__file__).parent


@pytest.fixture
async def contest(database: Connection, owner: Connection) -> Contest:
    """A contest that has just closed, for all that is known of transactions."""
    await owner.execute(FORGET)
    assert await store_platform(database) == 1
    return await store_contest(
        database, b"m" * 32, contest_rules=rules(release=DAILY), opens_at=OPENS, closes_at=CLOSES
    )


async def complete(database: Connection) -> bool:
    return (await load_completeness(database)).complete_before > CLOSES


def loops() -> list[Loop]:
    return [
        snapshots_loop(load_completeness),
        held_ballots_loop(load_completeness),
        recount_audit_loop(load_completeness),
    ]


async def undone(database: Connection, contest: Contest) -> set[str]:
    """The names of the checks that are not done."""
    checks = (await examine(database, contest, CLOSES + timedelta(days=1))).checks
    return {check.name for check in checks if not check.done}


async def test_nothing_is_complete_before_a_late_commit_and_everything_has_it_then(
    database: Connection, database_url: str, contest: Contest
) -> None:
    """A year of the wall clock is not enough, if a transaction of then still runs."""
    last = CLOSES - timedelta(seconds=1)
    async with running_transaction(database_url) as late:
        await insert_ballot(late, contest.id, [1], cast_at=last)
        await insert_ballot(late, contest.id, [2], held=True, cast_at=last)
        for _ in range(3):
            assert not await complete(database)
            for loop in loops():
                await loop.work(database)
        assert "drained" in await undone(database, contest)
        assert await load_snapshot(database, contest.id, CLOSES) is None
        assert await load_holds(database, contest) == ()
        audited = await load_audit(database, contest.id)
        assert audited is not None
        assert not audited.is_final(contest, None)
        _, complete_before = await load_completeness(database)
        assert moment_due(contest, None, complete_before) is None
    await eventually(lambda: complete(database))
    for loop in loops():
        await loop.work(database)
    snapshot = await load_snapshot(database, contest.id, CLOSES)
    assert snapshot is not None
    assert (snapshot.ballots, snapshot.votes) == (1, {1: 1})
    assert [hold.ballots for hold in await load_holds(database, contest)] == [1]
    audited = await load_audit(database, contest.id)
    assert audited is not None
    assert audited.is_final(contest, None)
    assert audited.ballots == 2
    assert "drained" not in await undone(database, contest)


@pytest.fixture
async def replicating() -> AsyncIterator[EmbeddedPostgres]:
    """A PostgreSQL of the test's own, which can wait for a standby."""
    with tempfile.TemporaryDirectory(prefix="voting-postgres-", dir=in_memory()) as folder:
        server = EmbeddedPostgres(Path(folder), durable=False, shared_buffers="32MB")
        try:
            await server.start()
            await execute(server, "alter system set wal_level = replica")
            await execute(server, "alter system set max_wal_senders = 1")
            await server.stop()
            await server.start()
            await asyncio.to_thread(upgrade, server.url(OWNER))
            yield server
        finally:
            await server.stop()


async def execute(server: EmbeddedPostgres, *statements: str) -> None:
    superuser = await asyncpg.connect(server.url(SUPERUSER))
    for statement in statements:
        await superuser.execute(statement)
    await superuser.close()


async def test_a_commit_that_waits_for_a_standby_is_waited_for(
    replicating: EmbeddedPostgres,
) -> None:
    url = replicating.url(APPLICATION)
    database, late = await connect(url), await connect(url)
    contest = await store_contest(database, b"m" * 32, opens_at=OPENS, closes_at=CLOSES)
    await execute(
        replicating,
        FORGET,
        "alter system set synchronous_standby_names = 'gone'",
        "select pg_reload_conf()",
    )
    await database.execute("set synchronous_commit = local")
    pid = await late.fetchval("select pg_backend_pid()")
    waiting = "select wait_event is not distinct from 'SyncRep' from pg_stat_activity where pid=$1"
    await eventually(
        lambda: late.fetchval("select current_setting('synchronous_standby_names') = 'gone'")
    )
    cast_at = CLOSES - timedelta(seconds=1)
    stored = asyncio.ensure_future(insert_ballot(late, contest.id, [1], cast_at=cast_at))
    await eventually(lambda: database.fetchval(waiting, pid))
    for _ in range(3):
        assert not await complete(database)
    assert "drained" in await undone(database, contest)
    await execute(
        replicating, "alter system reset synchronous_standby_names", "select pg_reload_conf()"
    )
    await stored
    await eventually(lambda: complete(database))
    assert (await examine(database, contest, CLOSES)).ballots.gross == 1
    await database.close()
    await late.close()


async def test_later_transactions_hold_nothing_up(
    database: Connection, database_url: str, contest: Contest
) -> None:
    """In a busy cluster there is always one that runs."""
    async with running_transaction(database_url):
        assert not await complete(database)
        first, _ = await load_completeness(database)
        other = running_transaction(database_url)
        await other.__aenter__()
    moments = [(await load_completeness(database)).complete_before + GRACE]
    async with running_transaction(database_url):
        await other.__aexit__(None, None, None)
        moments.append((await load_completeness(database)).complete_before + GRACE)
        moments.append((await load_completeness(database)).complete_before + GRACE)
    assert CLOSES < moments[0] < first < moments[1] == moments[2]


async def test_the_moment_is_the_databases_and_never_to_come(
    database: Connection, contest: Contest
) -> None:
    await eventually(lambda: complete(database))
    before: datetime = await database.fetchval("select clock_timestamp()")
    now, complete_before = await load_completeness(database)
    assert before <= now <= await database.fetchval("select clock_timestamp()")
    assert complete_before <= now - GRACE
    assert await database.fetchval("select commit_grace()") == GRACE


@pytest.mark.parametrize(
    "elsewhere", ["fence_at = now() + interval '1 hour'", "fence_xid = '9000000000000000'"]
)
async def test_a_clock_set_back_or_another_cluster_starts_over(
    database: Connection, owner: Connection, contest: Contest, elsewhere: str
) -> None:
    await owner.execute(f"update transaction_fence set settled_at = now(), {elsewhere}")
    assert not await complete(database)
    await eventually(lambda: complete(database))


async def test_an_old_snapshot_moves_no_fence(database: Connection, contest: Contest) -> None:
    async with database.transaction(isolation="repeatable_read"):
        with pytest.raises(asyncpg.InvalidTransactionStateError):
            await database.execute("select ballots_complete()")


async def test_the_services_cannot_write_the_fence(database: Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(FORGET)


def test_no_clock_of_a_machine_decides_anything() -> None:
    """However wrong the clock of the machine that runs `work` is, no vote is missing anywhere."""
    rooms = ("jobs", "voting/cut", "voting/tally", "voting/rulings")
    own_clock = re.compile(r"system_clock\(|datetime\.now\(|utcnow\(")
    assert [
        path
        for room in rooms
        for path in (PACKAGE / room).rglob("*.py")
        if own_clock.search(path.read_text())
    ] == []
