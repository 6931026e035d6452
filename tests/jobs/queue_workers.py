"""Workers of the job queue, in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from tests.sites.console.running_staff_app import StaffApp
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.pool import open_pool
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.jobs.queue_worker import Timing, run_queue_worker
from voting_service.nomination.awards.render_jobs import DOCUMENT_JOBS
from voting_service.staff.jobs.model import JobContext, JobKind

QUICK = Timing(heartbeat_timeout=timedelta(seconds=2), poll=timedelta(seconds=0.1))


@asynccontextmanager
async def queue_worker(
    kinds: Sequence[JobKind], context: JobContext, timing: Timing = QUICK
) -> AsyncIterator[None]:
    """A worker that is stopped as by a signal when the block ends."""
    working = asyncio.create_task(run_queue_worker(kinds, context, timing))
    try:
        yield
        assert not working.done()
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


@asynccontextmanager
async def document_context(staff_app: StaffApp, **changed: object) -> AsyncIterator[JobContext]:
    """What `work` gives the jobs, with its rights; `changed` are settings of its own."""
    url = url_with_role(staff_app.settings.database_url, "voting_jobs")
    async with open_pool(url, size=4) as pool:
        settings = staff_app.settings.model_copy(update=changed)
        yield JobContext(Database(pool, url), settings, staff_app.clock)


@asynccontextmanager
async def document_worker(staff_app: StaffApp, **changed: object) -> AsyncIterator[None]:
    """A worker that renders what the console requests."""
    async with (
        document_context(staff_app, **changed) as context,
        queue_worker([DOCUMENT_JOBS], context),
    ):
        yield
