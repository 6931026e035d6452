"""`work`: run the background jobs."""

from __future__ import annotations

import asyncio
import signal

import click

from voting_service.commands.output import say
from voting_service.commands.runtime import require_durable_database, run
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.logs import configure_logs
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.postgres.pool import open_pool
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.alarms import alarm_loop
from voting_service.jobs.audit_log_check import audit_log_check_loop
from voting_service.jobs.held_ballots import held_ballots_loop
from voting_service.jobs.loop_runner import Loop, run_loops
from voting_service.jobs.queue_worker import run_queue_worker
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.jobs.recount_audit import recount_audit_loop
from voting_service.jobs.snapshots import snapshots_loop
from voting_service.jobs.sweep import sweep_loop
from voting_service.nomination.awards.render_jobs import DOCUMENT_JOBS
from voting_service.settings import Settings, load_settings
from voting_service.staff.jobs.model import JobContext, JobKind
from voting_service.voting.tally.counters import register_functions

JOB_KINDS: tuple[JobKind, ...] = (DOCUMENT_JOBS,)
QUEUE_CONNECTIONS = 4
"""For the jobs that run at a time, each of which uses one at a time."""


@click.command()
def work() -> None:
    """Run the background jobs: reconcile the live counters, take snapshots, compare the stored
    tally with all ballots, gather held ballots into holds, examine the ballots every night, raise
    alarms about bursts of votes, verify the audit log, render the documents that staff request.

    You can run several processes; a lease in Postgres lets one at a time run each loop, and all of
    them take documents from the queue.
    """
    settings = load_settings()
    require_durable_database(settings)
    configure_logs(settings.log_level)
    run(_work(settings))


async def _work(settings: Settings) -> None:
    valkey = Valkey(settings.valkey_url)
    register_functions(valkey)
    loops = [
        reconcile_loop(valkey),
        snapshots_loop(database_time),
        recount_audit_loop(database_time),
        held_ballots_loop(database_time),
        sweep_loop(database_time),
        alarm_loop(database_time),
        audit_log_check_loop(database_time),
    ]
    working = asyncio.create_task(_run(loops, settings))
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        say("work.stopped", err=True)
    finally:
        await valkey.close()


async def _run(loops: list[Loop], settings: Settings) -> None:
    """Run the loops and work off the queue until cancelled."""
    async with open_pool(settings.database_url, size=QUEUE_CONNECTIONS) as pool:
        context = JobContext(Database(pool, settings.database_url), settings, system_clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(run_loops(loops, settings.database_url), name="loops")
            group.create_task(run_queue_worker(JOB_KINDS, context), name="queue")
