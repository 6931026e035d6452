"""`work`: run the background jobs."""

from __future__ import annotations

import asyncio
import signal

import click

from voting_service.commands.runtime import require_durable_database, run
from voting_service.infrastructure.logs import configure_logs
from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.alarms import alarm_loop
from voting_service.jobs.audit_log_check import audit_log_check_loop
from voting_service.jobs.held_ballots import held_ballots_loop
from voting_service.jobs.loop_runner import run_loops
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.jobs.recount_audit import recount_audit_loop
from voting_service.jobs.snapshots import snapshots_loop
from voting_service.jobs.sweep import sweep_loop
from voting_service.settings import Settings, load_settings
from voting_service.voting.tally.counters import register_functions


@click.command()
def work() -> None:
    """Run the background jobs: reconcile the live counters, take snapshots, compare the stored
    tally with all ballots, gather held ballots into holds, examine the ballots every night, raise
    alarms about bursts of votes, verify the audit log.

    You can run several processes; a lease in Postgres lets one at a time do each job.
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
    working = asyncio.create_task(run_loops(loops, settings.database_url))
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        click.echo("stopped", err=True)
    finally:
        await valkey.close()
