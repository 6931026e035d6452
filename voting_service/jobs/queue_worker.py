"""Works off the queue of background jobs. Every process that runs it takes jobs.

A job that fails is tried again after a growing pause, `max_attempts` times in all. A job whose
process was killed is taken up once its heartbeat is old. The queue may therefore hand out a job
twice; its kind stores one result all the same (staff/jobs/model.py: Attempt).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog
from pgqueuer.core.executors import AsyncEntrypoint
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job as QueueEntry
from pgqueuer.domain.types import Channel

from voting_service.errors import Unavailable, VotingError
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import connect
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.infrastructure.tasks import FailureLog, LastingTask, end_tasks
from voting_service.staff.jobs.metrics import JOB_ATTEMPTS
from voting_service.staff.jobs.model import (
    Attempt,
    JobContext,
    JobKind,
    max_attempts,
    retry_delay,
)
from voting_service.staff.jobs.queue import NAMES, open_queue

NAME = "jobs"
CONCURRENT_JOBS = 2
"""Jobs at a time in one process: as many as documents are typeset at a time."""
BATCH = 1
"""Jobs taken at a time; CONCURRENT_JOBS must be twice as many at least."""
PAUSE_AFTER_END_SECONDS = 0.5
STUCK_AFTER_SECONDS = 60.0
STOP_SECONDS = 5.0
"""How long a process that stops waits for its jobs to be put back into the queue."""

log = structlog.get_logger(__name__)


class Timing(NamedTuple):
    """A job is taken up again when no heartbeat has come for `heartbeat_timeout`; the workers look
    every `poll`, and at once when a job is enqueued."""

    heartbeat_timeout: timedelta = timedelta(seconds=30)
    poll: timedelta = timedelta(seconds=5)


async def run_queue_worker(
    kinds: Sequence[JobKind], context: JobContext, timing: Timing | None = None
) -> None:
    """Work off the queue until cancelled; failures are logged and counted, never fatal.

    When cancelled, no further job is begun, and those that run are put back into the queue.
    """
    timing = timing or Timing()
    failures = FailureLog(NAME, "job_failed")
    task = LastingTask(
        NAME, pause_seconds=PAUSE_AFTER_END_SECONDS, stuck_after_seconds=STUCK_AFTER_SECONDS
    )

    await task.run(lambda: _work(kinds, context, timing, failures, task.beat))


async def _work(
    kinds: Sequence[JobKind],
    context: JobContext,
    timing: Timing,
    failures: FailureLog,
    beat: Callable[[], None],
) -> None:
    connection = await connect(url_with_role(context.settings.database_url, "voting_jobs"))
    stopping = asyncio.Event()
    try:
        manager = QueueManager(open_queue(connection), Channel(NAMES.channel))
        for kind in kinds:
            work = _entrypoint(kind, context, failures, stopping)
            manager.entrypoint(kind.name, accepts_context=False)(work)
        working = asyncio.create_task(
            manager.run(
                dequeue_timeout=timing.poll,
                batch_size=BATCH,
                max_concurrent_tasks=CONCURRENT_JOBS,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=timing.heartbeat_timeout,
                log_aggregation_interval=timedelta(0),
            ),
            name="queue",
        )
        try:
            while not working.done():
                await asyncio.wait({working}, timeout=timing.poll.total_seconds())
                if not working.done():
                    beat()
            working.result()
        finally:
            manager.shutdown.set()
            stopping.set()
            await asyncio.wait({working}, timeout=STOP_SECONDS)
            await end_tasks({working})
    finally:
        connection.terminate()


def _entrypoint(
    kind: JobKind, context: JobContext, failures: FailureLog, stopping: asyncio.Event
) -> AsyncEntrypoint:
    """Return what the queue calls with an entry of the kind."""

    async def work(entry: QueueEntry) -> None:
        job_id = int(entry.payload or b"")
        outcome = asyncio.create_task(_attempt(kind, context, failures, job_id))
        stopped = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({outcome, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not outcome.done():
                JOB_ATTEMPTS.labels(kind.name, "interrupted").inc()
                log.info("job_put_back", kind=kind.name, job=str(job_id))
                raise RetryRequested(reason="stopped")
            delay = outcome.result()
        finally:
            await end_tasks({outcome, stopped})
        if delay is not None:
            raise RetryRequested(delay, "failed")

    return work


async def _attempt(
    kind: JobKind, context: JobContext, failures: FailureLog, job_id: int
) -> timedelta | None:
    """Begin an attempt and see it through; return the pause before the next one, None if the job
    has ended."""
    subject = {"kind": kind.name, "job": str(job_id)}
    try:
        attempt = await kind.begin(context, job_id)
        if attempt is None:
            log.info("job_had_ended", **subject)
            return None
    except Exception as error:
        failures.add(error, **subject)
        return retry_delay(1)
    return await _see_through(kind, context, failures, attempt)


async def _see_through(
    kind: JobKind, context: JobContext, failures: FailureLog, attempt: Attempt
) -> timedelta | None:
    subject = {"kind": kind.name, "job": str(attempt.job_id)}
    log.info("job_begun", **subject, attempt=attempt.number)
    reason: Text | None
    most = max_attempts(kind.name)
    try:
        if attempt.since_request > most:
            reason = load_text("jobs", "failures.processes_ended", count=most)
        else:
            async with asyncio.timeout(kind.time_limit_seconds):
                await kind.run(context, attempt)
            failures.clear(**subject)
            _note_end(kind, attempt, "finished")
            return None
    except Exception as error:
        reason = _reason(error)
        if isinstance(error, VotingError) and not isinstance(error, Unavailable):
            log.info("job_refused", **subject, reason=str(error))
        else:
            failures.add(error, **subject)
            if attempt.since_request < most:
                JOB_ATTEMPTS.labels(kind.name, "retried").inc()
                return retry_delay(attempt.since_request)
    try:
        await kind.fail(context, attempt, reason)
    except Exception as error:  # the next attempt stores that the job failed, or succeeds
        failures.add(error, **subject)
        return retry_delay(attempt.since_request)
    _note_end(kind, attempt, "failed")
    return None


def _reason(error: Exception) -> Text | None:
    """Return the sentence that people see for an error; None for a bug."""
    return Text(error.text("zh"), error.text("en")) if isinstance(error, VotingError) else None


def _note_end(kind: JobKind, attempt: Attempt, outcome: str) -> None:
    JOB_ATTEMPTS.labels(kind.name, outcome).inc()
    log.info(
        "job_ended",
        kind=kind.name,
        job=str(attempt.job_id),
        attempt=attempt.number,
        outcome=outcome,
    )
