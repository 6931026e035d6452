"""The loop runner and its leases, and the reconcile loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.contest_data import execute_as_owner, store_contest, store_platform
from tests.cut_data import StoredBallot, insert_ballots
from tests.database_clocks import as_database_clock
from tests.infrastructure.postgres.tcp_proxy import TcpProxy
from tests.patience import PATIENCE_SECONDS, eventually
from tests.voting.tally.forged import insert_ballot
from voting_service.contests.model import Contest
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure import tasks
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs import loop_runner
from voting_service.jobs.lease import lock_key, try_lease
from voting_service.jobs.loop_runner import Loop, for_each_contest, run_loop, run_loops
from voting_service.jobs.platform_ceilings import platform_ceilings_loop
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.voting.tally.counters import read_counts


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_runner, "LEASE_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(tasks, "PAUSE_AFTER_FAILURE_SECONDS", 0.02)


class WorkLog:
    """Records which loop worked, in order, and on which session."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.sessions: dict[str, int] = {}
        self.inside = 0
        self._worked = asyncio.Condition()

    def loop(self, name: str) -> Loop:
        async def work(connection: Connection) -> None:
            self.inside += 1
            try:
                assert self.inside == 1, "two at once"
                self.sessions[name] = await connection.fetchval("select pg_backend_pid()")
            finally:
                self.inside -= 1
            self.names.append(name)
            async with self._worked:
                self._worked.notify_all()

        return Loop("test", 0.01, work)

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._worked:
            await self._worked.wait_for(enough)


@asynccontextmanager
async def ended_after(*tasks: asyncio.Future[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def running(*work: Awaitable[None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(item) for item in work]
    async with ended_after(*tasks):
        yield
        assert not any(task.done() for task in tasks)


def failures(loop_name: str) -> float:
    return REGISTRY.get_sample_value("voting_loop_failures_total", {"loop": loop_name}) or 0.0


async def test_a_lease_is_held_by_one_and_ends_with_its_session(database_url: str) -> None:
    first, second = await connect(database_url), await connect(database_url)
    assert await try_lease(first, "a")
    assert not await try_lease(second, "a")
    assert await try_lease(second, "b")
    first.terminate()
    await eventually(lambda: try_lease(second, "a"))
    second.terminate()


def test_lock_keys_are_stable_and_fit() -> None:
    assert lock_key("reconcile") == lock_key("reconcile") != lock_key("snapshot")
    assert all(-(2**63) <= lock_key(f"loop {n}") < 2**63 for n in range(100))


async def test_of_two_processes_one_works_and_the_other_takes_over(database_url: str) -> None:
    work_log = WorkLog()
    works = {name: run_loop(work_log.loop(name), database_url) for name in ("one", "two")}
    running_works = {name: asyncio.ensure_future(work) for name, work in works.items()}
    async with ended_after(*running_works.values()):
        await work_log.until(lambda: len(work_log.names) >= 20)
        assert len(set(work_log.names)) == 1
        first = work_log.names[0]
        (second,) = {"one", "two"} - {first}
        work_log.names.clear()
        running_works.pop(first).cancel()
        await work_log.until(lambda: work_log.names[-5:] == [second] * 5)


async def test_a_loop_whose_session_is_ended_goes_on_in_another(
    database_url: str, database: Connection
) -> None:
    """In whichever process takes the lease first; never in two at once."""
    work_log = WorkLog()
    async with running(*(run_loop(work_log.loop(name), database_url) for name in ("one", "two"))):
        await work_log.until(lambda: len(work_log.names) >= 20)
        ended = work_log.sessions[work_log.names[-1]]
        await database.execute("select pg_terminate_backend($1)", ended)
        await work_log.until(lambda: work_log.sessions[work_log.names[-1]] != ended)
        work_log.names.clear()
        await work_log.until(lambda: len(work_log.names) >= 5)


async def test_a_process_that_stops_releases_its_lease(database_url: str) -> None:
    work_log = WorkLog()
    async with running(run_loop(work_log.loop("heir"), database_url)):
        await work_log.until(lambda: "heir" in work_log.names)
    async with running(run_loop(work_log.loop("next"), database_url)):
        await work_log.until(lambda: "next" in work_log.names)


async def test_a_loop_survives_its_errors(database_url: str) -> None:
    before = failures("clumsy")
    rounds: list[str] = []
    done = asyncio.Event()

    async def work(connection: Connection) -> None:
        errors = [ValueError("a bug"), StoreUnavailable("away"), None, TimeoutError()]
        error = errors[len(rounds)] if len(rounds) < len(errors) else None
        rounds.append(type(error).__name__)
        if error is not None:
            raise error
        if len(rounds) >= 6:
            done.set()

    async with running(run_loops([Loop("clumsy", 0.0, work)], database_url)):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await done.wait()
    assert rounds[:4] == ["ValueError", "StoreUnavailable", "NoneType", "TimeoutError"]
    assert failures("clumsy") == before + 3


async def test_a_loop_waits_for_postgres(record_wire: TcpProxy) -> None:
    work_log, before = WorkLog(), failures("test")
    await record_wire.refuse()
    async with running(run_loop(work_log.loop("patient"), record_wire.url)):
        await eventually(lambda: failures("test") >= before + 3)
        await record_wire.listen()
        await work_log.until(lambda: "patient" in work_log.names)


async def test_a_round_that_hangs_is_cancelled(record_wire: TcpProxy) -> None:
    work_log = WorkLog()
    hurried = work_log.loop("one")._replace(limit_seconds=0.3)
    async with running(run_loop(hurried, record_wire.url)):
        await work_log.until(lambda: len(work_log.names) >= 1)
        record_wire.hang()
        session, before = work_log.sessions["one"], failures("test")
        await eventually(lambda: failures("test") > before)
        record_wire.flow()
        await work_log.until(lambda: work_log.sessions["one"] != session)


async def test_reconciling_sets_the_counters_to_the_record(
    database: Connection, valkey_client: Valkey
) -> None:
    contest = await store_contest(database, b"m" * 32)
    other = await store_contest(database, b"m" * 32, slug="other")
    loop = reconcile_loop(valkey_client)
    for n in range(3):
        await insert_ballot(database, contest.id, [1])
        await insert_ballot(database, other.id, [2, 3])
        await loop.work(database)
        assert await read_counts(valkey_client, contest.id) == (n + 1, {1: n + 1})
        assert await read_counts(valkey_client, other.id) == (n + 1, {2: n + 1, 3: n + 1})
        await valkey_client.command("FLUSHALL")
    await loop.work(database)
    assert await read_counts(valkey_client, contest.id) == (3, {1: 3})
    assert REGISTRY.get_sample_value("voting_counter_drift_votes") == 9


async def test_a_ceiling_survives_the_loss_of_what_valkey_counted(
    database: Connection, valkey_client: Valkey
) -> None:
    """Only today's ballots, of open contests, and of platforms with a ceiling."""
    contest = await store_contest(database, b"m" * 32)
    limited = await store_platform(database, "limited", daily_ceiling=5)
    free = await store_platform(database, "free")
    now = datetime.now(UTC)
    cast = [(limited, now), (limited, now), (limited, now - timedelta(hours=25)), (free, now)]
    await insert_ballots(database, contest, [StoredBallot([1], at, by) for by, at in cast])
    loop = platform_ceilings_loop(valkey_client, as_database_clock(lambda: now))
    await loop.work(database)
    await valkey_client.command("FLUSHALL")
    await loop.work(database)
    [key] = await valkey_client.command("KEYS", "*")
    assert key.decode() == f"{{c{contest.id}}}:platform:{limited}:{contest.local_day(now):%Y%m%d}"
    assert await valkey_client.command("GET", key) == b"2"
    away = Valkey("redis://127.0.0.1:1/0")
    await platform_ceilings_loop(away, as_database_clock(lambda: now)).work(database)
    await away.close()


async def test_a_tally_of_another_cluster_is_taken_over_with_a_line_in_log_and_audit_log(
    database: Connection, valkey_client: Valkey
) -> None:
    contest = await store_contest(database, b"m" * 32)
    loop = reconcile_loop(valkey_client)
    await insert_ballot(database, contest.id, [1])
    await loop.work(database)
    await database.execute("update tally_floors set cluster = 1")
    with capture_logs() as lines:
        for _ in range(3):
            await loop.work(database)
            assert await read_counts(valkey_client, contest.id) == (1, {1: 1})
    events = [line["event"] for line in lines]
    assert events.count("tally_of_another_cluster") == events.count("tally_taken_over") == 1
    [entry] = await database.fetch("select actor from audit_log where act = 'tally_rebuilt'")
    assert entry["actor"] == "voting-service work"


async def test_reconciling_continues_without_valkey_and_skips_a_contest_with_an_error(
    database: Connection, valkey_client: Valkey, valkey_url: str
) -> None:
    spoiled = await store_contest(database, b"m" * 32, slug="a-spoiled")
    good = await store_contest(database, b"m" * 32, slug="b-good")
    await database.execute(
        "insert into tally_hours values ($1, $2, 1, 0, 1, 9223372036854775807)",
        spoiled.id,
        datetime.now(UTC).replace(minute=0, second=0, microsecond=0),
    )  # no ballot can be added to it
    await insert_ballot(database, spoiled.id, [1])
    await insert_ballot(database, good.id, [1])
    away = Valkey("redis://127.0.0.1:1/0")
    await reconcile_loop(away).work(database)
    await away.close()
    assert await database.fetchval("select sum(votes) from tally_hours where candidate = 0") == 1
    before = failures("reconcile")
    await reconcile_loop(valkey_client).work(database)
    assert await read_counts(valkey_client, good.id) == (1, {1: 1})
    assert await read_counts(valkey_client, spoiled.id) is None
    assert failures("reconcile") == before + 1


async def test_a_contest_that_fails_stops_no_other(
    database: Connection, owner_database_url: str
) -> None:
    for slug in ("a-good", "b-failing", "c-good"):
        await store_contest(database, b"m" * 32, slug=slug)
    await execute_as_owner(
        owner_database_url,
        "insert into contests (slug, rules, opens_at, closes_at) values ($1, $2, $3, $4)",
        "0-unreadable",
        {"rules": "of another version"},
        datetime.now(UTC),
        datetime.now(UTC) + timedelta(days=1),
    )
    seen: list[str] = []

    async def work(_connection: Connection, contest: Contest) -> None:
        seen.append(contest.slug)
        if contest.slug == "b-failing":
            raise ValueError("a bug")

    before = failures("test")
    await for_each_contest("test", work)(database)
    assert seen == ["a-good", "b-failing", "c-good"]
    assert failures("test") == before + 2
