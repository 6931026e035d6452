"""`demo`: run the whole service on this machine, with embedded PostgreSQL and Valkey."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import click

from voting_service.commands.output import message
from voting_service.commands.runtime import run
from voting_service.demo.run import DemoPlan, run_demo
from voting_service.demo.stages import STAGES, Stage
from voting_service.infrastructure.clock import system_clock

_PORT = click.IntRange(1, 65535)


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="VOTING_DATA",
    default=Path("data"),
    show_default=True,
    help="The folder that keeps everything; the next start finds it again.",
)
@click.option("--port", type=_PORT, default=8000, show_default=True, help="Of the public site.")
@click.option(
    "--console-port",
    "staff_port",
    type=_PORT,
    default=8001,
    show_default=True,
    help="Of the staff site.",
)
@click.option("--workers", type=click.IntRange(1, 256), help="Workers. [default: one per core]")
@click.option(
    "--crowd",
    type=click.FloatRange(0, 10_000),
    default=0,
    help="Simulated votes per second.",
)
@click.option(
    "--stage",
    type=click.Choice(STAGES),
    help="Run a nomination up to this stage first; needs a new --data folder.",
)
def demo(
    *,
    data: Path,
    port: int,
    staff_port: int,
    workers: int | None,
    crowd: float,
    stage: Stage | None,
) -> None:
    """Run the whole service on this machine, with embedded PostgreSQL, Valkey and a demo contest.

    Prints `ready http://127.0.0.1:PORT` when the service answers. Ctrl-C stops everything.
    """
    if port == staff_port:
        raise click.UsageError(message("demo.same_port"))
    run(_until_stopped(DemoPlan(data, port, staff_port, workers, crowd, stage)))


async def _until_stopped(plan: DemoPlan) -> None:
    """Run the demo until Ctrl-C; a second Ctrl-C does not interrupt the shutdown."""
    stop_requested = asyncio.Event()
    for stop_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(stop_signal, stop_requested.set)
    running = asyncio.create_task(run_demo(plan, click.echo, system_clock))
    stopping = asyncio.create_task(stop_requested.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
