"""`work`: the background loops."""

from __future__ import annotations

import asyncio
import signal

import click

from voting_service.background.alarm_loop import alarm_loop
from voting_service.background.journal_loop import journal_loop
from voting_service.background.loops import (
    audit_loop,
    gather_loop,
    reconcile_loop,
    run_loops,
    snapshot_loop,
    sweep_loop,
)
from voting_service.commands.running import require_durable_database, run
from voting_service.logs import configure_logs
from voting_service.settings import Settings, load_settings
from voting_service.storage.database_clock import database_time
from voting_service.storage.valkey import Valkey
from voting_service.tally.counters import register_functions


@click.command()
def work() -> None:
    """Run the background loops: reconcile the counters, take snapshots, compare the kept tally
    with all ballots, gather held ones into holds, examine the ballots at night, raise
    alarms about bursts, check the journal's chain.

    Several may run; a lease in Postgres lets one of them work at a loop at a time.
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
        snapshot_loop(database_time),
        audit_loop(database_time),
        gather_loop(database_time),
        sweep_loop(database_time),
        alarm_loop(database_time),
        journal_loop(database_time),
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
