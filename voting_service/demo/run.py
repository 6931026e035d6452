"""Run the whole service on one machine: start stores, contents and programs, then stop them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from voting_service.demo.child import log_tail, stop
from voting_service.demo.contents import load_contents
from voting_service.demo.contest import SLUG
from voting_service.demo.data_folder import SETTINGS, DataFolder
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    PROCESSES,
    EmbeddedPostgres,
)
from voting_service.demo.embedded_server import (
    HOST,
    EmbeddedServer,
    free_port,
    port_is_free,
)
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.demo.messages import message
from voting_service.demo.nomination import SLUG as SELECTION
from voting_service.demo.stages import Stage
from voting_service.demo.supervise import (
    Echo,
    Program,
    keep_program,
    keep_store,
)
from voting_service.errors import Refused, Unavailable
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.files.libreoffice import find_libreoffice
from voting_service.settings import PREFIX
from voting_service.voting.public_log.sequencer import LogIdentity

READY_TIMEOUT_SECONDS = 180.0
PART_OF = "VOTING_DEMO_PART_OF"
"""Environment variable of the demo's programs: the DATA folder of the demo they belong to."""
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """The options of the command line."""

    data: Path
    port: int
    staff_port: int
    workers: int | None = None
    crowd_per_second: float = 0.0
    stage: Stage | None = None

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def console_address(self) -> str:
        return f"http://{HOST}:{self.staff_port}"


async def run_demo(plan: DemoPlan, echo: Echo, clock: Clock) -> None:
    """Start everything, keep it running until cancelled, then stop what was started.

    Raises Refused if the folder or a port is in use, Unavailable if a part does not start.
    """
    data = DataFolder(plan.data)
    with data.locked():
        await _end_leftovers(data)
        _require_free(plan.port, "PORT= (--port)")
        _require_free(plan.staff_port, "OFFICE_PORT= (--console-port)")
        async with AsyncExitStack() as running:
            await _run(plan, data, running, echo, clock)


def _require_free(port: int, option: str) -> None:
    if not port_is_free(port):
        raise Refused("demo.run.port_taken", port=port, option=option)


async def _run(
    plan: DemoPlan, data: DataFolder, running: AsyncExitStack, echo: Echo, clock: Clock
) -> None:
    """Start everything; `running` stops it in the reverse order."""
    running.callback(echo, message("run.stopped"))
    postgres, valkey = EmbeddedPostgres(data.postgres), EmbeddedValkey(data.valkey)
    running.push_async_callback(postgres.stop)
    running.push_async_callback(valkey.stop)
    await _start_stores((postgres, valkey), echo)
    for folder in postgres.opened_folders:
        echo(message("run.folder_opened", folder=folder))
    metrics_ports = {name: free_port() for name in ("serve", "console", "work")}
    witness_ports = [free_port() for _ in data.witnesses]
    data.ensure_keys()
    data.write_settings(
        database_url=postgres.url(APPLICATION),
        owner_url=postgres.url(OWNER),
        valkey_url=valkey.url,
        metrics_port=metrics_ports["serve"],
        witness_ports=witness_ports,
    )
    await _fill(plan, data, postgres.url(OWNER), echo, clock)
    witnesses = _witnesses(data, witness_ports)
    programs = _programs(plan, data, postgres, metrics_ports)
    for program in (*witnesses, *programs):
        running.push_async_callback(program.stop)
    running.callback(echo, message("run.stopping"))
    work, serve, console, *crowd = programs
    for program in (*witnesses, work, serve, console):
        program.start()
    if find_libreoffice() is None:
        echo(message("run.no_libreoffice"))
    echo(message("run.starting_service"))
    await _wait_until_ready(plan.address, serve)
    await _wait_until_ready(plan.console_address, console)
    for program in crowd:
        program.start()
    _print_addresses(plan, data, metrics_ports, echo)
    async with asyncio.TaskGroup() as keeping:
        for store in (postgres, valkey):
            keeping.create_task(keep_store(store, echo))
        for program in (*witnesses, *programs):
            keeping.create_task(keep_program(program, echo))


async def _start_stores(stores: tuple[EmbeddedServer, ...], echo: Echo) -> None:
    started_before = all(store.folder.exists() for store in stores)
    echo(message("run.starting_stores" if started_before else "run.starting_stores_first"))
    outcomes = await asyncio.gather(*(store.start() for store in stores), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def _fill(plan: DemoPlan, data: DataFolder, owner_url: str, echo: Echo, clock: Clock) -> None:
    echo(message("run.migrating"))
    await asyncio.to_thread(upgrade, owner_url)
    # As the owner of the tables: once two staff accounts exist, the application itself cannot
    # create one without a second person's approval.
    connection = await connect(owner_url)
    try:
        if await load_contents(connection, data, clock, stage=plan.stage, echo=echo):
            echo(message("run.loaded"))
    finally:
        await connection.close()


def _programs(
    plan: DemoPlan,
    data: DataFolder,
    postgres: EmbeddedPostgres,
    metrics_ports: Mapping[str, int],
) -> tuple[Program, ...]:
    """Return the programs in the order of their start; the simulated voters are last."""
    settings = {
        PREFIX + "DATA": str(data.path),
        PREFIX + "HOST": HOST,
        PREFIX + "PORT": str(plan.port),
        PREFIX + "PUBLIC_URL": plan.address,
        PREFIX + "STAFF_HOST": HOST,
        PREFIX + "STAFF_PORT": str(plan.staff_port),
        PREFIX + "STAFF_URL": plan.console_address,
        PART_OF: str(data.path),
    }
    if plan.workers is not None:
        settings[PREFIX + "WORKERS"] = str(plan.workers)
    # The caller's environment may name other stores than the demo's.
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment = inherited | settings
    commands = {name: [_script(), name] for name in ("work", "serve", "console")}
    logins = {
        name: {PREFIX + "DATABASE_URL": postgres.url(login)} for name, login in PROCESSES.items()
    }
    if plan.crowd_per_second:
        commands["crowd"] = [
            sys.executable,
            "-m",
            "voting_service.demo.simulated_voters",
            plan.address,
            str(data.platform_key_file),
            f"{plan.crowd_per_second:g}",
        ]
    return tuple(
        Program(
            name,
            command,
            environment | _metrics_setting(metrics_ports.get(name)) | logins.get(name, {}),
            data.logs / f"{name}.log",
        )
        for name, command in commands.items()
    )


def _witnesses(data: DataFolder, ports: Sequence[int]) -> tuple[Program, ...]:
    """Return the witnesses of the public logs, each a program with nothing of the service's."""
    logs = LogIdentity(HOST, load_signing_key(data.log_key_file)).verifier_of_all
    # No settings: a witness has none.
    environment = {n: v for n, v in os.environ.items() if not n.startswith(PREFIX)}
    return tuple(
        Program(
            f"witness-{number}",
            [_script(), *witness.command(port, logs)],
            environment | {PART_OF: str(data.path)},
            data.logs / f"witness-{number}.log",
        )
        for number, (witness, port) in enumerate(zip(data.witnesses, ports, strict=True), start=1)
    )


def _metrics_setting(port: int | None) -> dict[str, str]:
    return {} if port is None else {PREFIX + "METRICS_PORT": str(port)}


def _script() -> str:
    return str(Path(sys.executable).with_name("voting-service"))


async def _wait_until_ready(address: str, program: Program) -> None:
    """Wait for `/readyz`. Raises Unavailable with the end of the log if a program is not ready."""
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
        "demo.run.not_ready",
        seconds=READY_TIMEOUT_SECONDS,
        name=program.name,
        log_file=program.log_file,
        log_end=log_tail(program.log_file),
    )


def _print_addresses(
    plan: DemoPlan, data: DataFolder, metrics_ports: Mapping[str, int], echo: Echo
) -> None:
    nomination = f"{plan.console_address}/selections/{SELECTION}"
    contest = f"{plan.address}/api/v1/contests/{SLUG}"
    if plan.stage not in {"recommendation", "review"}:
        echo(f"  contest     {contest}")
        echo(f"  candidates  {contest}/candidates")
        echo(f"  standings   {contest}/standings")
        echo(f"  sign-in     {plan.address}/en/platforms")
    echo(f"  console     {plan.console_address}")
    echo(f"  nomination  {nomination}")
    echo(f"  staff       {message('run.accounts_file', file=data.accounts_file)}")
    echo(f"  code        VOTING_DATA={data.path} voting-service account code supervisor-1")
    for file in data.platform_key_files.values():
        echo(f"  platform    {message('run.platform_key', file=file)}")
    echo(f"  commands    VOTING_DATA={data.path} voting-service tally {SLUG}")
    echo(f"  logs        {data.logs}")
    echo(f"  public log  {plan.address}/en/{SLUG}/log")
    echo(f"  check       voting-service verify {plan.address}/log/{SLUG}")
    for name, port in metrics_ports.items():
        echo(f"  metrics     http://{HOST}:{port}/metrics ({name})")
    if plan.crowd_per_second:
        echo(f"  crowd       {message('run.crowd', votes=plan.crowd_per_second)}")
    echo(message("run.how_to_stop"))
    echo(f"ready {plan.address}")


async def _end_leftovers(data: DataFolder) -> None:
    """End the programs of a demo that was killed. Its stores are used again, not ended."""
    leftovers = list(_leftovers(str(data.path)))
    await asyncio.gather(*(stop(process, Program.stop_plan) for process in leftovers))


def _leftovers(folder: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(PART_OF) == folder:
                yield process
