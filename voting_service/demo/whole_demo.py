"""The whole service on one machine: stores, contents, programs, in order, and back again."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from voting_service.clock import Clock
from voting_service.demo.child import log_tail, stop
from voting_service.demo.contents import load_contents
from voting_service.demo.contest import SLUG
from voting_service.demo.data_folder import SETTINGS, DataFolder
from voting_service.demo.embedded_postgres import APPLICATION, OWNER, EmbeddedPostgres
from voting_service.demo.embedded_server import HOST, EmbeddedServer, port_is_free
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.demo.selection import SLUG as SELECTION
from voting_service.demo.stages import Stage
from voting_service.demo.supervise import Program, Say, keep_program, keep_store
from voting_service.errors import Refused, Unavailable
from voting_service.settings import PREFIX
from voting_service.storage.migrations import upgrade
from voting_service.storage.postgres import connect

READY_TIMEOUT_SECONDS = 60.0
PART_OF = "VOTING_DEMO_PART_OF"
"""Set in the environment of everything but the stores: whose demo a left-over belonged to."""
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What was asked for on the command line."""

    data: Path
    port: int
    office_port: int
    workers: int | None = None
    crowd_per_second: float = 0.0
    stage: Stage | None = None

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def office_address(self) -> str:
        return f"http://{HOST}:{self.office_port}"


async def run_demo(plan: DemoPlan, say: Say, clock: Clock) -> None:
    """Starts everything, keeps it running until cancelled, then stops all it started.

    Raises Refused when the folder or the port is in use, Unavailable when a part does not start.
    """
    data = DataFolder(plan.data)
    with data.locked():
        await _end_left_overs(data)
        _require_free(plan.port, "PORT= (--port)")
        _require_free(plan.office_port, "OFFICE_PORT= (--office-port)")
        async with AsyncExitStack() as running:
            await _run(plan, data, running, say, clock)


def _require_free(port: int, option: str) -> None:
    if not port_is_free(port):
        raise Refused(
            f"port {port} is taken by another program: stop that, or choose another "
            f"port with {option}"
        )


async def _run(
    plan: DemoPlan, data: DataFolder, running: AsyncExitStack, say: Say, clock: Clock
) -> None:
    """What is pushed on `running` is stopped in the reverse order."""
    running.callback(say, "stopped")
    postgres, valkey = EmbeddedPostgres(data.postgres), EmbeddedValkey(data.valkey)
    running.push_async_callback(postgres.stop)
    running.push_async_callback(valkey.stop)
    await _start_stores((postgres, valkey), say)
    for folder in postgres.opened_folders:
        say(f"  {folder} was opened for passing through (o+x): PostgreSQL has a user of its own")
    await _fill(plan, data, (postgres, valkey), say, clock)
    programs = _programs(plan, data)
    for program in programs:
        running.push_async_callback(program.stop)
    running.callback(say, "stopping")
    work, serve, office, *crowd = programs
    for program in (work, serve, office):
        program.start()
    say("starting the service")
    await _wait_until_ready(plan.address, serve)
    await _wait_until_ready(plan.office_address, office)
    for program in crowd:
        program.start()
    _introduce(plan, data, say)
    async with asyncio.TaskGroup() as keeping:
        for store in (postgres, valkey):
            keeping.create_task(keep_store(store, say))
        for program in programs:
            keeping.create_task(keep_program(program, say))


async def _start_stores(stores: tuple[EmbeddedServer, ...], say: Say) -> None:
    known = all(store.folder.exists() for store in stores)
    say("starting PostgreSQL and Valkey" + ("" if known else " for the first time"))
    outcomes = await asyncio.gather(*(store.start() for store in stores), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def _fill(
    plan: DemoPlan,
    data: DataFolder,
    stores: tuple[EmbeddedPostgres, EmbeddedValkey],
    say: Say,
    clock: Clock,
) -> None:
    postgres, valkey = stores
    data.ensure_keys()
    data.write_settings(
        database_url=postgres.url(APPLICATION),
        owner_url=postgres.url(OWNER),
        valkey_url=valkey.url,
    )
    say("bringing the database to the newest migration")
    await asyncio.to_thread(upgrade, postgres.url(OWNER))
    # As the tables' owner: once there are two, the application makes no account that decides
    # without a second person's approval.
    connection = await connect(postgres.url(OWNER))
    try:
        if await load_contents(connection, data, clock, stage=plan.stage, say=say):
            say("loaded the demo's selection, platform and staff")
    finally:
        await connection.close()


def _programs(plan: DemoPlan, data: DataFolder) -> tuple[Program, ...]:
    """The programs in the order of their start; the crowd, if one was asked for, is last."""
    settings = {
        PREFIX + "DATA": str(data.path),
        PREFIX + "HOST": HOST,
        PREFIX + "PORT": str(plan.port),
        PREFIX + "PUBLIC_URL": plan.address,
        PREFIX + "OFFICE_HOST": HOST,
        PREFIX + "OFFICE_PORT": str(plan.office_port),
        PREFIX + "OFFICE_URL": plan.office_address,
        PREFIX + "METRICS_DIR": str(data.metrics),
        PART_OF: str(data.path),
    }
    if plan.workers is not None:
        settings[PREFIX + "WORKERS"] = str(plan.workers)
    # Stores that the caller's environment names are somebody's, and not the demo's.
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment = inherited | settings
    commands = {name: [_script(), name] for name in ("work", "serve", "office")}
    if plan.crowd_per_second:
        commands["crowd"] = [
            sys.executable,
            "-m",
            "voting_service.demo.crowd",
            plan.address,
            str(data.platform_key_file),
            f"{plan.crowd_per_second:g}",
        ]
    return tuple(
        Program(name, command, environment, data.logs / f"{name}.log")
        for name, command in commands.items()
    )


def _script() -> str:
    return str(Path(sys.executable).with_name("voting-service"))


async def _wait_until_ready(address: str, program: Program) -> None:
    """Raises Unavailable, quoting the log, when the program ends or does not get ready in time."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_SECONDS), httpx.AsyncClient() as client:
            while program.process is not None:
                with suppress(httpx.HTTPError):
                    if (await client.get(f"{address}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        pass
    raise Unavailable(
        f"`{program.name}` did not get ready; the end of {program.log_file}:\n"
        f"{log_tail(program.log_file)}"
    )


def _introduce(plan: DemoPlan, data: DataFolder, say: Say) -> None:
    office = f"{plan.office_address}/selections/{SELECTION}"
    contest = f"{plan.address}/api/v1/contests/{SLUG}"
    if plan.stage not in {"recommendation", "review"}:
        say(f"  contest     {contest}")
        say(f"  candidates  {contest}/candidates")
        say(f"  standings   {contest}/standings")
    say(f"  desk        {plan.office_address}")
    say(f"  office      {office}")
    say(f"  staff       {data.accounts_file} (names, passwords, TOTP secrets)")
    say(f"  code        VOTING_DATA={data.path} voting-service account code supervisor-1")
    say(f"  platform    {data.platform_key_file} (signs voters in)")
    say(f"  commands    VOTING_DATA={data.path} voting-service tally {SLUG}")
    say(f"  logs        {data.logs}")
    if plan.crowd_per_second:
        say(f"  crowd       {plan.crowd_per_second:g} votes a second")
    say("Ctrl-C stops everything.")
    say(f"ready {plan.address}")


async def _end_left_overs(data: DataFolder) -> None:
    """Ends the programs of a demo that was killed; its stores are taken over instead."""
    left_over = list(_left_overs(str(data.path)))
    await asyncio.gather(*(stop(process, Program.stop_plan) for process in left_over))


def _left_overs(folder: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(PART_OF) == folder:
                yield process
