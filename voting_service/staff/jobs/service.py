"""What staff do about background jobs: look at them, and try a failed one again."""

from __future__ import annotations

from typing import NamedTuple

from voting_service.errors import NotFound, Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.staff.actor import Actor
from voting_service.staff.audit_log.record import record
from voting_service.staff.jobs.model import (
    Job,
    JobState,
    find_job_kind,
    job_key,
    job_kinds,
)
from voting_service.staff.jobs.queue import enqueue, load_queue


class ListedJob(NamedTuple):
    """A job, and its state when it was loaded."""

    job: Job
    state: JobState


async def list_jobs(connection: AnyConnection, *, limit: int) -> list[ListedJob]:
    """Load the newest jobs of all kinds, newest first."""
    # One snapshot: a job has finished there, or it is in the queue.
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        jobs = [job for kind in job_kinds() for job in await kind.load_newest(connection, limit)]
        queue = await load_queue(connection)
    jobs.sort(key=lambda job: job.requested_at, reverse=True)
    return [ListedJob(job, job.state(queue)) for job in jobs[:limit]]


async def try_again(actor: Actor, kind_name: str, job_id: int) -> None:
    """Put a failed or interrupted job into the queue again; recorded in the audit log. Raises
    NotFound for an unknown kind, Refused for a job in any other state."""
    connection = actor.connection
    kind = find_job_kind(kind_name)
    if kind is None:
        raise NotFound("staff.jobs.no_such_job")
    async with connection.transaction():
        if not await kind.reset(connection, job_id):
            raise Refused("staff.jobs.not_failed")
        await enqueue(connection, kind.name, job_id)
        await record(
            connection, actor.account.name, "job_retried", subject=job_key(kind.name, job_id)
        )
