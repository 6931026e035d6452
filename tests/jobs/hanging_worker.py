"""A process that takes a document from the queue, and never gets further than its data.

Started by a test, which kills it: `python -m tests.jobs.hanging_worker`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from unittest.mock import patch

from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.pool import open_pool
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.jobs.queue_worker import run_queue_worker
from voting_service.nomination.awards import render_jobs
from voting_service.settings import load_settings
from voting_service.staff.jobs.model import JobContext


async def hang(_make: Callable[[], bytes]) -> bytes:
    await asyncio.Event().wait()
    raise AssertionError


async def main() -> None:
    settings = load_settings()
    url = url_with_role(settings.database_url, "voting_jobs")
    async with open_pool(url, size=4) as pool:
        context = JobContext(Database(pool, url), settings, system_clock)
        await run_queue_worker([render_jobs.DOCUMENT_JOBS], context)


if __name__ == "__main__":
    with patch.object(render_jobs, "in_background", hang):
        asyncio.run(main())
