"""A real cluster on this machine: three PostgreSQL servers under Patroni, and three etcd.

Patroni is installed from PyPI into a folder of its own, etcd is Debian's package, PostgreSQL is
that of the demo. docs/postgres.md has the same settings for machines.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

from loadtests.waiting import seconds_until
from tests.browser.find_browsers import install, run_quietly
from voting_service.demo.child import is_alive, spawn, stop
from voting_service.demo.embedded_postgres import (
    DATABASE,
    SUPERUSER,
    EmbeddedPostgres,
    let_others_pass,
    prepare_system_user,
    program,
)
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.demo.private_files import write_private

REPLICATOR = "voting_replicator"
_PATRONI = Path(sys.prefix) / "patroni"
_REQUIREMENTS = ("patroni[etcd3]==4.1.5", "psycopg[binary]==3.3.9")
"""Not Debian 12's Patroni 3.0.2: after a switchover under load its record of who replicates
synchronously may name the old primary for ever, which may then be promoted with ballots missing."""
_SERVERS = 3
_FOLLOW_SECONDS = 180.0
_STOP_PLAN = ((signal.SIGTERM, 30.0),)


class Timing(NamedTuple):
    """Patroni's clocks in seconds: how long the leader's lease lasts, how often it is renewed, how
    long etcd and PostgreSQL are tried. The lease must last a renewal and two tries; Patroni allows
    none below twenty seconds."""

    ttl: int = 20
    loop_wait: int = 2
    retry_timeout: int = 5


class Member(NamedTuple):
    """A server as Patroni sees it."""

    name: str
    role: str
    state: str
    timeline: int


class Node:
    """One server: Patroni, which starts and ends its PostgreSQL."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.folder = folder
        self.data = folder / "data"
        self.port, self.api_port = free_port(), free_port()
        self.patroni: psutil.Popen | None = None

    @property
    def api(self) -> str:
        """The address of Patroni's REST interface."""
        return f"http://{HOST}:{self.api_port}"

    def postmaster(self) -> psutil.Process | None:
        """PostgreSQL's main process; None while it does not run."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            return None
        return process if is_alive(process) and process.name() == "postgres" else None

    def processes(self) -> list[psutil.Process]:
        """Patroni, PostgreSQL and its sessions, as far as they run."""
        mains = [p for p in (self.patroni, self.postmaster()) if p is not None and is_alive(p)]
        return [*mains, *(child for main in mains for child in main.children(recursive=True))]

    def send(self, number: signal.Signals) -> None:
        """Send every process of this server a signal, Patroni first: so a machine ends or stops."""
        for process in self.processes():
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue


class PatroniCluster(EmbeddedPostgres):
    """The cluster, with the address that a service uses for it."""

    secret_names = (*EmbeddedPostgres.secret_names, REPLICATOR)

    def __init__(
        self,
        folder: Path,
        *,
        timing: Timing | None = None,
        synchronous: bool = True,
        strict: bool = True,
    ) -> None:
        super().__init__(folder)
        self._timing = timing or Timing()
        self._synchronous = synchronous
        self._strict = strict
        self.nodes: list[Node] = []
        self._etcd: list[psutil.Popen] = []

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the URL that names every server."""
        hosts = ",".join(f"{HOST}:{node.port}" for node in self.nodes)
        login = f"{role}:{self.secrets[role]}"
        return f"postgresql://{login}@{hosts}/{database}?target_session_attrs=read-write"

    @property
    def ports(self) -> set[int]:
        """The ports of all servers."""
        return {node.port for node in self.nodes}

    async def start(self) -> None:
        """Start everything and wait until the standbys follow; create roles and database."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._load_state()
        user = self.system_user()
        if user is not None:
            self.opened_folders += prepare_system_user(user, self.folder)
            self.opened_folders += let_others_pass(Path(sys.base_prefix))
            self.opened_folders += let_others_pass(_PATRONI)
        self.nodes = [Node(self.folder / f"node{n}", f"node{n}") for n in range(1, _SERVERS + 1)]
        endpoints = self._start_etcd()
        for node in self.nodes:
            node.folder.mkdir()
            self._give_to_system_user(node.folder)
            write_private(node.folder / "patroni.yml", json.dumps(self._settings(node, endpoints)))
            self._give_to_system_user(node.folder / "patroni.yml")
            self.start_patroni(node)
        await self.wait_for_followers()
        await self._create_roles()

    def start_patroni(self, node: Node) -> None:
        """Start Patroni of a server, which starts PostgreSQL."""
        node.patroni = spawn(
            [str(_PATRONI / "bin" / "patroni"), str(node.folder / "patroni.yml")],
            log_file=self.folder / f"{node.name}.log",
            death_signal=signal.SIGTERM,
            user=self.system_user(),
            folder=node.folder,
            environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(node.folder)},
        )

    async def stop(self) -> None:
        """Stop the standbys, the primary, then etcd."""
        leader = await self.leader()
        for node in sorted(self.nodes, key=lambda node: node is leader):
            node.send(signal.SIGCONT)
            if node.patroni is not None:
                await stop(node.patroni, _STOP_PLAN)
            if (postmaster := node.postmaster()) is not None:
                await stop(postmaster, self.stop_plan)
        for process in self._etcd:
            await stop(process, _STOP_PLAN)
        for folder in self.opened_folders:
            if folder.exists():
                folder.chmod(folder.stat().st_mode & ~stat.S_IXOTH)

    async def members(self) -> list[Member]:
        """Return the servers as any Patroni that answers sees them; none if none does."""
        async with httpx.AsyncClient(timeout=1.5) as client:
            for node in self.nodes:
                try:
                    answer = await client.get(f"{node.api}/cluster")
                except httpx.HTTPError:
                    continue
                return [
                    Member(m["name"], m["role"], m["state"], m.get("timeline", 0))
                    for m in answer.json()["members"]
                ]
        return []

    async def leader(self) -> Node | None:
        """Return the primary as Patroni sees it; None while there is none."""
        names = [m.name for m in await self.members() if m.role == "leader"]
        return next((node for node in self.nodes if node.name in names), None)

    async def all_follow(self) -> bool:
        """Return whether there is a primary, all others follow it, and one of them synchronously
        where that is configured."""
        members = await self.members()
        roles = [member.role for member in members]
        return (
            len(members) == _SERVERS
            and roles.count("leader") == 1
            and all(member.state in ("running", "streaming") for member in members)
            and len({member.timeline for member in members}) == 1
            and (not self._synchronous or "sync_standby" in roles)
        )

    async def wait_for_followers(self) -> float:
        """Return the seconds it took. Raises RuntimeError with what Patroni shows."""
        took = await seconds_until(self.all_follow, _FOLLOW_SECONDS)
        if took is None:
            raise RuntimeError(f"the cluster is not complete: {await self.members()}")
        return took

    async def configure(self, *, synchronous: bool, strict: bool) -> None:
        """Change what commits wait for."""
        leader = await self.leader()
        assert leader is not None
        self._synchronous = synchronous
        settings = {"synchronous_mode": synchronous, "synchronous_mode_strict": strict}
        async with httpx.AsyncClient(timeout=10) as client:
            (await client.patch(f"{leader.api}/config", json=settings)).raise_for_status()

    async def switch_over(self) -> None:
        """Ask Patroni to make another server the primary."""
        leader = await self.leader()
        assert leader is not None
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.post(f"{leader.api}/switchover", json={"leader": leader.name})
        if answer.status_code >= 300:
            raise RuntimeError(f"switchover: {answer.status_code} {answer.text}")

    def _start_etcd(self) -> list[str]:
        names = [f"etcd{n}" for n in range(1, _SERVERS + 1)]
        peers = {name: f"http://{HOST}:{free_port()}" for name in names}
        endpoints = {name: f"http://{HOST}:{free_port()}" for name in names}
        members = ",".join(f"{name}={url}" for name, url in peers.items())
        for name in names:
            command = [
                *("etcd", "--name", name, "--data-dir", str(self.folder / name)),
                *("--listen-client-urls", endpoints[name]),
                *("--advertise-client-urls", endpoints[name]),
                *("--listen-peer-urls", peers[name]),
                *("--initial-advertise-peer-urls", peers[name]),
                *("--initial-cluster", members, "--log-level", "error"),
            ]
            log_file = self.folder / f"{name}.log"
            self._etcd.append(spawn(command, log_file=log_file, death_signal=signal.SIGTERM))
        return [endpoint.removeprefix("http://") for endpoint in endpoints.values()]

    def _settings(self, node: Node, endpoints: Sequence[str]) -> dict[str, Any]:
        """Return Patroni's settings for a server; JSON is YAML."""
        parameters = {
            "max_connections": 100,
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
            "wal_sender_timeout": "5s",
            "wal_receiver_timeout": "5s",
            "timezone": "UTC",
        }
        login = {name: self.secrets[name] for name in (SUPERUSER, REPLICATOR)}
        return {
            "scope": "voting",
            "name": node.name,
            "restapi": _listen(node.api_port),
            "etcd3": {"hosts": list(endpoints)},
            "bootstrap": {
                "dcs": {
                    **self._timing._asdict(),
                    "primary_start_timeout": 0,
                    "maximum_lag_on_failover": 0,
                    "synchronous_mode": self._synchronous,
                    "synchronous_mode_strict": self._synchronous and self._strict,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "use_slots": True,
                        "parameters": parameters,
                    },
                },
                "initdb": [
                    {"encoding": "UTF8"},
                    {"locale-provider": "builtin"},
                    {"builtin-locale": "C.UTF-8"},
                    {"locale": "C"},
                    "data-checksums",
                ],
                "pg_hba": [
                    f"host replication {REPLICATOR} {HOST}/32 scram-sha-256",
                    f"host all all {HOST}/32 scram-sha-256",
                ],
            },
            "postgresql": {
                **_listen(node.port),
                "data_dir": str(node.data),
                "bin_dir": str(program("postgres").parent),
                "pgpass": str(node.folder / "pgpass"),
                "authentication": {
                    "superuser": {"username": SUPERUSER, "password": login[SUPERUSER]},
                    "replication": {"username": REPLICATOR, "password": login[REPLICATOR]},
                    "rewind": {"username": SUPERUSER, "password": login[SUPERUSER]},
                },
                "parameters": {"unix_socket_directories": ""},
                "remove_data_directory_on_diverged_timelines": True,
            },
        }


def _listen(port: int) -> dict[str, str]:
    address = f"{HOST}:{port}"
    return {"listen": address, "connect_address": address}


def require_programs() -> None:
    """Install what is missing where that is allowed. Raises SystemExit with what to do."""
    if shutil.which("etcd") is None:
        install(["etcd-server"], run_quietly, is_root=os.geteuid() == 0)
    if not (_PATRONI / "bin" / "patroni").exists():
        run_quietly([sys.executable, "-m", "venv", str(_PATRONI)])
        run_quietly([str(_PATRONI / "bin" / "pip"), "install", "--quiet", *_REQUIREMENTS])
