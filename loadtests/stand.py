"""A test stand: real stores with full durability, real servers, free ports.

Everything lives under one temporary folder and ends with the stand. The stores are the demo's
embedded PostgreSQL and Valkey; `serve` and `work` are the installed commands with the settings
of a production machine.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from loadtests import CONTEST, PLATFORM
from loadtests.contests import make_contest, make_platform
from loadtests.valkey_stand import USUAL_TIMEOUT_MS, ValkeyCluster
from loadtests.voters import Minting
from loadtests.waiting import seconds_until
from voting_service.demo.child import (
    log_tail,
    spawn,
    stop,
)
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    EmbeddedPostgres,
)
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.demo.private_files import write_private
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.voting.voters.keyring import load_keys

_READY_SECONDS = 60.0
_STOP_PLAN = ((signal.SIGTERM, 20.0),)


class Stand:
    """Running stores and servers; `processes` are their main processes."""

    def __init__(
        self,
        folder: Path,
        workers: int,
        postgres: EmbeddedPostgres | None = None,
        cluster: ValkeyCluster | None = None,
    ) -> None:
        self.folder = folder
        self.workers = workers
        self.postgres = postgres or EmbeddedPostgres(folder / "postgres")
        self.valkey = EmbeddedValkey(folder / "valkey")
        self.cluster = cluster
        self.port = free_port()
        self.platform_id = 0
        self.platform_key = folder / "platforms" / f"{PLATFORM}.pem"
        self.master_key = os.urandom(32)
        self.processes: dict[str, psutil.Popen] = {}
        self.ports: dict[str, int] = {"serve": self.port, "metrics": free_port()}
        self.bare_reads: Mapping[str, bytes] = {}

    def address(self, name: str = "serve") -> str:
        """Return the URL of a server."""
        return f"http://{HOST}:{self.ports[name]}"

    @property
    def owner_url(self) -> str:
        """The URL of the database as the owner of its tables."""
        return self.postgres.url(OWNER)

    @property
    def valkey_url(self) -> str:
        """The URL of the one Valkey, or of the cluster."""
        return (self.cluster or self.valkey).url

    async def open_stores(self) -> None:
        """Start both stores, migrate, and create the demo platform and contest."""
        await self.postgres.start()
        await (self.cluster or self.valkey).start()
        await asyncio.to_thread(upgrade, self.owner_url)
        platform_key = write_key(self.platform_key)
        write_key(self.folder / "signing.pem")
        async with self.database() as connection:
            self.platform_id = await make_platform(connection, platform_key)
        await self.add_contest(CONTEST)

    async def add_contest(self, slug: str) -> int:
        """Create a contest of fifty placeholders, open for a month."""
        async with self.database() as connection:
            return await make_contest(connection, slug, self.master_key)

    @asynccontextmanager
    async def database(self, role: str = OWNER) -> AsyncIterator[Connection]:
        """Open a connection, by default as the owner of the tables."""
        connection = await connect(self.postgres.url(role))
        try:
            yield connection
        finally:
            await connection.close()

    async def minting(self, slug: str = CONTEST) -> Minting:
        """Return what sessions of the contest are made from."""
        async with self.database() as connection:
            contest_id = await connection.fetchval("select id from contests where slug = $1", slug)
            keys = (await load_keys(connection, self.master_key)).opened
        return Minting(
            session_key=keys[contest_id].session,
            contest_id=contest_id,
            platform_id=self.platform_id,
        )

    def environment(self) -> dict[str, str]:
        """Return the environment of commands that use this stand."""
        inherited = {key: value for key, value in os.environ.items() if "VOTING_" not in key}
        return inherited | {
            "VOTING_DATABASE_URL": self.postgres.url(APPLICATION),
            "VOTING_OWNER_DATABASE_URL": self.owner_url,
            "VOTING_VALKEY_URL": self.valkey_url,
            "VOTING_MASTER_KEY": b64encode(self.master_key).decode(),
            "VOTING_SIGNING_KEY_FILE": str(self.folder / "signing.pem"),
            "VOTING_TRUSTED_PROXIES": f"{HOST}/32",
            "VOTING_HOST": HOST,
            "VOTING_PORT": str(self.port),
            "VOTING_WORKERS": str(self.workers),
            "VOTING_LOG_LEVEL": "warning",
        }

    async def serve(self, descriptors: int | None = None) -> None:
        """Start `voting-service serve` and wait until every resource answers."""
        command = [service_command(), "serve"]
        if descriptors is not None:
            command = ["prlimit", f"--nofile={descriptors}:{descriptors}", *command]
        port = {"VOTING_METRICS_PORT": str(self.ports["metrics"])}
        self._spawn("serve", command, self.environment() | port)
        await self._wait_until_ready("serve", "/readyz", self._all_workers_connected)
        await self._wait_until_ready("serve", f"/api/v1/contests/{CONTEST}/standings")

    def web_workers(self) -> list[psutil.Process]:
        """Return the worker processes; empty while uvicorn has none."""
        return [child for child in self.processes["serve"].children() if _serves(child)]

    def _all_workers_connected(self) -> bool:
        """Wait until every worker is ready; `/readyz` answers for one of them only."""
        connected = [
            worker
            for worker in self.web_workers()
            if any(
                connection.raddr and connection.raddr.port in self._postgres_ports()
                for connection in worker.net_connections("tcp")
            )
        ]
        return self.workers == 1 or len(connected) == self.workers

    def _postgres_ports(self) -> set[int]:
        """The ports by which a worker reaches PostgreSQL."""
        return self.postgres.ports

    def work(self) -> None:
        """Start `voting-service work`, the background jobs."""
        self._spawn("work", [service_command(), "work"], self.environment())

    async def start_console(self) -> None:
        """Start `voting-service console`, the staff site."""
        port = self.ports["console"] = free_port()
        where = {
            "VOTING_STAFF_PORT": str(port),
            "VOTING_STAFF_URL": self.address("console"),
        }
        self._spawn("console", [service_command(), "console"], self.environment() | where)
        await self._wait_until_ready("console", "/readyz")

    async def serve_bare(self, answer: bytes, reads: Mapping[str, bytes]) -> None:
        """Start the bare application with the uvicorn settings of `serve`."""
        folder = self.folder / "reads"
        folder.mkdir(exist_ok=True)
        self.bare_reads = reads
        for name, content in reads.items():
            (folder / name).write_bytes(content)
        self.ports["bare"] = free_port()
        command = [sys.executable, "-m", "loadtests.bare", str(self.ports["bare"])]
        environment = {"BARE_ANSWER": answer.decode(), "BARE_READS": str(folder)}
        self._spawn("bare", command, self.environment() | environment)
        await self._wait_until_ready("bare", f"/api/v1/contests/{CONTEST}/standings")

    async def stop_all(self) -> None:
        """Stop the servers, then the stores."""
        for process in self.processes.values():
            await stop(process, _STOP_PLAN)
        await (self.cluster or self.valkey).stop()
        await self.postgres.stop()

    def _spawn(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        self.processes[name] = spawn(
            command,
            log_file=self.folder / f"{name}.log",
            death_signal=signal.SIGTERM,
            environment=environment,
            folder=Path(__file__).resolve().parent.parent,
        )

    async def _wait_until_ready(
        self, name: str, path: str, also: Callable[[], bool] = lambda: True
    ) -> None:
        process = self.processes[name]
        url = self.address(name) + path

        async def ready_or_ended() -> bool:
            return process.poll() is not None or (also() and await _all_answer(url))

        took = await seconds_until(ready_or_ended, _READY_SECONDS)
        if took is None or process.poll() is not None:
            tail = log_tail(self.folder / f"{name}.log")
            raise RuntimeError(f"`{name}` is not ready; the end of its log:\n{tail}")


async def _all_answer(url: str) -> bool:
    """Return whether a burst of new connections, which reaches every worker, is answered 200."""
    async with httpx.AsyncClient() as client:
        tries = [client.get(url, headers={"connection": "close"}) for _ in range(16)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
    return all(
        isinstance(answer, httpx.Response) and answer.status_code == 200 for answer in answers
    )


def _serves(child: psutil.Process) -> bool:
    """Return whether a process is a running worker and not multiprocessing's helper."""
    try:
        return "resource_tracker" not in " ".join(child.cmdline())
    except psutil.Error:
        return False


def service_command() -> str:
    """Return the path of `voting-service`."""
    return str(Path(sys.executable).with_name("voting-service"))


def write_key(path: Path) -> bytes:
    """Write a new Ed25519 key into a file, as PEM; return it."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(path, pem)
    return pem


@asynccontextmanager
async def open_stand(
    *,
    workers: int,
    background: bool = True,
    descriptors: int | None = None,
    postgres: Callable[[Path], EmbeddedPostgres] = EmbeddedPostgres,
    on_a_cluster: bool = False,
) -> AsyncIterator[Stand]:
    """Start the stores, `serve` and, by default, `work`; stop them at the end. `descriptors` is the
    limit of open files of `serve`, `postgres` makes the record store in a folder."""
    with tempfile.TemporaryDirectory(prefix="voting-stand-", ignore_cleanup_errors=True) as folder:
        cluster = None
        if on_a_cluster:
            cluster = ValkeyCluster(Path(folder) / "cluster", timeout_ms=USUAL_TIMEOUT_MS)
        stand = Stand(Path(folder), workers, postgres(Path(folder) / "postgres"), cluster)
        try:
            await stand.open_stores()
            await stand.serve(descriptors)
            if background:
                stand.work()
            yield stand
        finally:
            await stand.stop_all()


def family(process: psutil.Process | None) -> list[psutil.Process]:
    """Return a process and its descendants."""
    if process is None:
        return []
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(process: psutil.Process | None) -> float:
    """Return the CPU seconds of a process and its descendants, ended ones included."""
    total = 0.0
    for member in family(process):
        try:
            times: Any = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
