"""`demo`: the whole service on this machine, with stores of its own."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import click

from voting_service.clock import system_clock
from voting_service.commands.running import run
from voting_service.demo.stages import STAGES, Stage
from voting_service.demo.whole_demo import DemoPlan, run_demo

_PORT = click.IntRange(1, 65535)


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="VOTING_DATA",
    default=Path("data"),
    show_default=True,
    help="Where everything is kept; a second start finds it again.",
)
@click.option("--port", type=_PORT, default=8000, show_default=True, help="The citizens' face.")
@click.option("--office-port", type=_PORT, default=8001, show_default=True, help="For staff.")
@click.option("--workers", type=click.IntRange(1, 256), help="Default: as many as cores.")
@click.option(
    "--crowd",
    type=click.FloatRange(0, 10_000),
    default=0,
    help="Votes a second of simulated voters.",
)
@click.option(
    "--stage",
    type=click.Choice(STAGES),
    help="Carry a selection through to here first, in a fresh --data folder.",
)
def demo(
    *,
    data: Path,
    port: int,
    office_port: int,
    workers: int | None,
    crowd: float,
    stage: Stage | None,
) -> None:
    """Run the whole service here, with PostgreSQL, Valkey and a contest of its own.

    Prints `ready http://127.0.0.1:PORT` when it answers. Ctrl-C stops everything it started.
    """
    if port == office_port:
        raise click.UsageError("--port and --office-port must differ")
    run(_until_stopped(DemoPlan(data, port, office_port, workers, crowd, stage)))


async def _until_stopped(plan: DemoPlan) -> None:
    """Runs the demo; a second Ctrl-C does not interrupt the stopping."""
    asked_to_stop = asyncio.Event()
    for request in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(request, asked_to_stop.set)
    running = asyncio.create_task(run_demo(plan, click.echo, system_clock))
    asked = asyncio.create_task(asked_to_stop.wait())
    await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
