"""Runs background loops: one process at a time works at a loop, under a lease.

Each loop holds its lease on its own connection and starts over, lease included, after any failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from voting_service.contests.model import Contest
from voting_service.contests.repository import load_readable_contests
from voting_service.infrastructure.postgres.durability import require_durable
from voting_service.infrastructure.postgres.pool import Connection, connect, domain_errors
from voting_service.infrastructure.tasks import FailureLog, LastingTask
from voting_service.infrastructure.traces import span
from voting_service.jobs.lease import try_lease

log = structlog.get_logger(__name__)

Round = Callable[[Connection], Awaitable[None]]
LEASE_WAIT_SECONDS = 2.0
ROUND_LIMIT_SECONDS = 600.0
"""A snapshot of millions of ballots takes a minute; a round this long hangs."""


class Loop(NamedTuple):
    """A round of work, its name, and the pause after each round."""

    name: str
    pause_seconds: float
    work: Round
    limit_seconds: float = ROUND_LIMIT_SECONDS


def for_each_contest(loop: str, work: Callable[[Connection, Contest], Awaitable[None]]) -> Round:
    """Return a round that does `work` for every contest; a failing contest stops no other.

    A failure is logged and counted under `loop`. The round raises when the connection is lost,
    because then every contest would fail.
    """
    failures = FailureLog(loop)

    async def work_for_all(connection: Connection) -> None:
        contests, unreadable = await load_readable_contests(connection)
        for slug, error in unreadable.items():
            failures.add(error, contest=slug)
        for contest in contests:
            try:
                await work(connection, contest)
            except Exception as error:
                if connection.is_closed():
                    raise
                failures.add(error, contest=contest.slug)
            else:
                failures.clear(contest=contest.slug)

    return work_for_all


async def _take_lease(loop: Loop, connection: Connection, task: LastingTask) -> None:
    """Wait until this process has the lease."""
    while True:
        async with asyncio.timeout(ROUND_LIMIT_SECONDS):
            if await try_lease(connection, loop.name):
                break
        task.beat()
        await asyncio.sleep(LEASE_WAIT_SECONDS)
    log.info("lease_taken", loop=loop.name)


async def run_loop(loop: Loop, database_url: str) -> None:
    """Run a loop until cancelled; failures are logged and counted, never fatal. No round begins
    while the server is set to lose what it commits."""
    task = LastingTask(
        loop.name,
        pause_seconds=loop.pause_seconds,
        stuck_after_seconds=loop.pause_seconds + 2 * ROUND_LIMIT_SECONDS,
    )
    connection: Connection | None = None

    async def work_under_lease() -> None:
        nonlocal connection
        try:
            if connection is None:
                connection = await connect(database_url)
                await _take_lease(loop, connection, task)
            async with asyncio.timeout(loop.limit_seconds):
                with domain_errors():
                    await require_durable(connection)
                with span(loop.name):
                    await loop.work(connection)
        except BaseException:
            if connection is not None:
                connection.terminate()
            connection = None
            raise

    try:
        await task.run(work_under_lease)
    finally:
        if connection is not None:
            connection.terminate()


async def run_loops(loops: list[Loop], database_url: str) -> None:
    """Run all loops concurrently until cancelled."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(run_loop(loop, database_url), name=loop.name)
