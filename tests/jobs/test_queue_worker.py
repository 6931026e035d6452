"""The job queue and its worker, with a kind of job that does what a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

import asyncpg
import pytest
from pgqueuer.domain.models import AnyEvent, TableChangedEvent
from prometheus_client import REGISTRY

from tests.jobs.queue_workers import QUICK, queue_worker
from tests.patience import eventually
from voting_service.errors import Refused, Unavailable
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.pool import AnyConnection, Connection, Pool, connect
from voting_service.jobs.queue_worker import CONCURRENT_JOBS
from voting_service.settings import Settings
from voting_service.staff.jobs import model
from voting_service.staff.jobs.model import (
    MAX_ATTEMPTS,
    MAX_RETRY_DELAY,
    Attempt,
    Job,
    JobContext,
    retry_delay,
)
from voting_service.staff.jobs.queue import NAMES, enqueue, load_queue, open_queue

WAIT_SECONDS = 60
Work = Callable[[Attempt], Awaitable[None]]


class ScriptedJobs:
    """A kind whose attempts do `work`; its jobs are kept in memory."""

    name = "scripted"
    time_limit_seconds = 60.0

    def __init__(self, work: Work) -> None:
        self.work = work
        self.attempts: dict[int, int] = {}
        self.results: list[int] = []
        self.failures: dict[int, Text | None] = {}

    async def begin(self, _context: JobContext, job_id: int) -> Attempt | None:
        if job_id in self.results or job_id in self.failures:
            return None
        number = self.attempts[job_id] = self.attempts.get(job_id, 0) + 1
        return Attempt(job_id, number, number)

    async def run(self, _context: JobContext, attempt: Attempt) -> None:
        await self.work(attempt)
        self.results.append(attempt.job_id)

    async def fail(self, _context: JobContext, attempt: Attempt, failure: Text | None) -> None:
        self.failures[attempt.job_id] = failure

    async def load_newest(self, _connection: AnyConnection, _limit: int) -> Sequence[Job]:
        return []

    async def reset(self, _connection: AnyConnection, _job_id: int) -> bool:
        return False


async def succeed(_attempt: Attempt) -> None:
    """Do nothing."""


@pytest.fixture
async def context(pool: Pool, settings: Settings) -> AsyncIterator[JobContext]:
    yield JobContext(Database(pool, settings.database_url), settings, system_clock)


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "FIRST_RETRY_DELAY", timedelta(milliseconds=10))


async def put(database: Connection, *job_ids: int) -> None:
    async with database.transaction():
        for job_id in job_ids:
            await enqueue(database, ScriptedJobs.name, job_id)


async def emptied(database: Connection) -> None:
    async def is_empty() -> bool:
        return await load_queue(database) == {}

    await eventually(is_empty)


async def test_the_tables_are_those_that_the_library_expects(owner_database_url: str) -> None:
    owner = await connect(owner_database_url)
    plan = await open_queue(owner).plan_upgrade()
    # Our function does the same with fewer words; a test below reads what it sends.
    ours = "CREATE OR REPLACE FUNCTION jobs.fn_pgqueuer_changed()"
    assert [statement for statement in plan.statements if not statement.startswith(ours)] == []
    await owner.close()


@pytest.mark.parametrize(
    "statement",
    [
        "update jobs.pgqueuer_log set status = 'successful'",
        "delete from jobs.pgqueuer_log",
        "truncate jobs.pgqueuer",
        "insert into jobs.pgqueuer_schedules (expression, entrypoint) values ('@daily', 'x')",
        "select setval('jobs.pgqueuer_id_seq', 1)",
    ],
)
async def test_the_services_may_not_do_more_than_they_need(
    database: Connection, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(statement)


def test_no_name_of_the_queue_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNEL", "elsewhere")
    monkeypatch.setenv("PGQUEUER_PREFIX", "other_")
    assert type(NAMES)(db_schema="jobs") == NAMES


async def test_a_job_that_is_enqueued_wakes_the_workers(
    database: Connection, database_url: str
) -> None:
    listening = await connect(database_url)
    payloads: asyncio.Queue[str] = asyncio.Queue()
    await listening.add_listener(NAMES.channel, lambda *heard: payloads.put_nowait(heard[-1]))
    await put(database, 1)
    async with asyncio.timeout(WAIT_SECONDS):
        event = AnyEvent.model_validate_json(await payloads.get()).root
    assert isinstance(event, TableChangedEvent)
    assert (event.table, event.operation) == ("pgqueuer", "insert")
    listening.terminate()


async def test_a_job_exists_if_its_request_commits(
    database: Connection, context: JobContext
) -> None:
    kind = ScriptedJobs(succeed)
    async with queue_worker([kind], context):
        with pytest.raises(ZeroDivisionError):
            async with database.transaction():
                await enqueue(database, kind.name, 1)
                raise ZeroDivisionError
        assert await load_queue(database) == {}
        async with database.transaction():
            await enqueue(database, kind.name, 2)
            assert kind.attempts == {}
        await emptied(database)
    assert kind.results == [2]


async def test_a_job_is_enqueued_in_a_transaction_and_once(database: Connection) -> None:
    with pytest.raises(AssertionError):
        await enqueue(database, ScriptedJobs.name, 1)
    await put(database, 1)
    with pytest.raises(Unavailable):
        await put(database, 1)
    assert await load_queue(database) == {"scripted:1": "waiting"}


@pytest.mark.usefixtures("quick_retries")
async def test_a_bug_is_tried_again_a_bounded_number_of_times(
    database: Connection, context: JobContext
) -> None:
    async def fail_twice(attempt: Attempt) -> None:
        if attempt.job_id == 1 or attempt.number < 3:
            raise ZeroDivisionError

    kind = ScriptedJobs(fail_twice)
    await put(database, 1, 2)
    async with queue_worker([kind], context):
        await emptied(database)
    assert kind.attempts == {1: MAX_ATTEMPTS, 2: 3}
    assert (kind.failures, kind.results) == ({1: None}, [2])


async def test_a_refusal_is_final_and_names_its_reason(
    database: Connection, context: JobContext
) -> None:
    async def refuse(_attempt: Attempt) -> None:
        raise Refused("staff.jobs.not_failed")

    kind = ScriptedJobs(refuse)
    await put(database, 1)
    async with queue_worker([kind], context):
        await emptied(database)
    error = Refused("staff.jobs.not_failed")
    assert kind.attempts == {1: 1}
    assert kind.failures == {1: Text(error.text("zh"), error.text("en"))}


async def test_a_job_that_ends_its_process_is_given_up(
    database: Connection, context: JobContext
) -> None:
    kind = ScriptedJobs(succeed)
    kind.attempts[1] = MAX_ATTEMPTS
    await put(database, 1)
    async with queue_worker([kind], context):
        await emptied(database)
    assert kind.results == []
    assert kind.failures == {1: load_text("jobs", "failures.processes_ended", count=MAX_ATTEMPTS)}


@pytest.mark.usefixtures("quick_retries")
async def test_an_attempt_that_takes_too_long_is_given_up(
    database: Connection, context: JobContext
) -> None:
    async def hang_once(attempt: Attempt) -> None:
        if attempt.number == 1:
            await asyncio.Event().wait()

    kind = ScriptedJobs(hang_once)
    kind.time_limit_seconds = 0.01
    await put(database, 1)
    async with queue_worker([kind], context):
        await emptied(database)
    assert (kind.attempts, kind.results) == ({1: 2}, [1])


async def test_no_more_jobs_at_a_time_than_allowed(
    database: Connection, context: JobContext
) -> None:
    running = most = 0
    both = asyncio.Event()

    async def count(_attempt: Attempt) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == CONCURRENT_JOBS:
            both.set()
        await both.wait()
        await database_round()
        running -= 1

    async def database_round() -> None:
        async with context.database.connection() as connection:
            await connection.execute("select pg_sleep(0.05)")

    kind = ScriptedJobs(count)
    await put(database, *range(1, 8))
    async with queue_worker([kind], context):
        await emptied(database)
    assert sorted(kind.results) == list(range(1, 8))
    assert most == CONCURRENT_JOBS


async def test_a_worker_that_stops_puts_its_jobs_back(
    database: Connection, context: JobContext
) -> None:
    begun = asyncio.Event()

    async def hang_once(attempt: Attempt) -> None:
        if attempt.number == 1:
            begun.set()
            await asyncio.Event().wait()

    kind = ScriptedJobs(hang_once)
    await put(database, 1)
    patient = QUICK._replace(heartbeat_timeout=timedelta(hours=1))
    async with queue_worker([kind], context, patient):
        await asyncio.wait_for(begun.wait(), WAIT_SECONDS)
        assert await load_queue(database) == {"scripted:1": "running"}
    assert await load_queue(database) == {"scripted:1": "waiting"}
    async with queue_worker([kind], context, patient):
        await emptied(database)
    assert (kind.attempts, kind.results) == ({1: 2}, [1])


async def test_a_worker_survives_the_loss_of_its_connection(
    database: Connection, context: JobContext
) -> None:
    kind = ScriptedJobs(succeed)
    async with queue_worker([kind], context):
        await put(database, 1)
        await emptied(database)
        ended = await database.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and query like '%pgqueuer%'"
            " and pid <> pg_backend_pid()"
        )
        assert ended
        await put(database, 2)
        await emptied(database)
    assert kind.results == [1, 2]


async def test_attempts_are_counted_by_outcome(database: Connection, context: JobContext) -> None:
    def finished() -> float:
        labels = {"kind": "scripted", "outcome": "finished"}
        return REGISTRY.get_sample_value("voting_job_attempts_total", labels) or 0.0

    before = finished()
    await put(database, 1)
    async with queue_worker([ScriptedJobs(succeed)], context):
        await emptied(database)
    assert finished() == before + 1


def test_the_pause_before_a_retry_grows_up_to_a_limit() -> None:
    pauses = [retry_delay(attempt) for attempt in range(1, 100)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[1]) == (timedelta(seconds=10), timedelta(seconds=40))
    assert pauses[-1] == MAX_RETRY_DELAY
