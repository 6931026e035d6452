"""Valkey as several servers on this machine: a cluster with replicas, and a server with Sentinels.

They are the demo's embedded Valkey, a process each, all with one password.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from loadtests.waiting import seconds_until
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.demo.embedded_valkey import EmbeddedValkey

SLOTS = 16_384
SERVICE = "votes"
USUAL_TIMEOUT_MS = 5_000
"""A node that does not answer for so long has failed, as docs/operators.md recommends."""
SHORT_TIMEOUT_MS = 1_000
"""For tests, which need not wait."""
_PATIENCE_SECONDS = 60.0

_OF_A_CLUSTER = """\
cluster-enabled yes
cluster-config-file nodes.conf
cluster-port {bus_port}
cluster-announce-ip {host}
cluster-node-timeout {timeout_ms}
cluster-require-full-coverage no
cluster-allow-replica-migration no
masterauth {password}
repl-diskless-sync-delay 0
repl-ping-replica-period 1
"""
_OF_A_PAIR = """\
masterauth {password}
repl-diskless-sync-delay 0
repl-ping-replica-period 1
"""
_SENTINEL = """\
bind {host}
port {port}
dir {folder}
requirepass {password}
sentinel sentinel-pass {password}
sentinel announce-ip {host}
sentinel monitor {service} {host} {server_port} 2
sentinel auth-pass {service} {password}
sentinel down-after-milliseconds {service} {timeout_ms}
sentinel failover-timeout {service} 3000
"""


class Server(EmbeddedValkey):
    """A Valkey with a password shared with others."""

    def __init__(self, folder: Path, password: str) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.secrets = {"password": password}
        self.client: Any = Redis.from_url(self.url, protocol=3)

    async def kill(self) -> None:
        """End the process at once."""
        process = self.process
        assert process is not None
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)

    async def end(self) -> None:
        """Close the connections and stop the process."""
        await self.client.aclose()
        await self.stop()


class ClusterServer(Server):
    """A node of a cluster."""

    def __init__(self, folder: Path, password: str, timeout_ms: int) -> None:
        super().__init__(folder, password)
        self._timeout_ms = timeout_ms
        self.bus_port = free_port()
        self.id = secrets.token_hex(20)

    def further_configuration(self) -> str:
        return _OF_A_CLUSTER.format(
            host=HOST,
            bus_port=self.bus_port,
            timeout_ms=self._timeout_ms,
            password=self.secrets["password"],
        )

    async def roles(self) -> dict[str, str]:
        """Return `master` or `slave` by node id, as this node sees the nodes that have not
        failed."""
        nodes: dict[str, Any] = await self.client.execute_command("CLUSTER NODES")
        return {
            node["node_id"]: "master" if "master" in node["flags"] else "slave"
            for node in nodes.values()
            if "fail" not in node["flags"].replace("nofailover", "")
        }


class ValkeyCluster:
    """A cluster of masters with a replica each. The nodes know each other from the start, so that
    nothing has to be met and waited for."""

    def __init__(
        self, folder: Path, *, masters: int = 3, timeout_ms: int = SHORT_TIMEOUT_MS
    ) -> None:
        self.password = secrets.token_urlsafe(24)
        self.masters = [
            ClusterServer(folder / f"master-{n}", self.password, timeout_ms) for n in range(masters)
        ]
        self.replicas = [
            ClusterServer(folder / f"replica-{n}", self.password, timeout_ms)
            for n in range(masters)
        ]

    @property
    def servers(self) -> Sequence[ClusterServer]:
        return (*self.masters, *self.replicas)

    @property
    def url(self) -> str:
        """The URL with all masters of the beginning."""
        hosts = ",".join(f"{HOST}:{server.port}" for server in self.masters)
        return f"redis://:{self.password}@{hosts}"

    async def start(self) -> None:
        for server in self.servers:
            server.folder.mkdir(parents=True)
            (server.folder / "nodes.conf").write_text(self._nodes_as_seen_by(server))
        await asyncio.gather(*(server.start() for server in self.servers))
        await _until(self.is_whole, "the cluster is not whole")

    async def stop(self) -> None:
        await asyncio.gather(*(server.end() for server in self.servers))

    async def is_whole(self) -> bool:
        """Return whether every node runs and agrees, and every replica follows its master."""
        for server in self.servers:
            try:
                info = await server.client.execute_command("CLUSTER INFO")
                roles = await server.roles()
                replication = await server.client.info("replication")
            except (RedisError, OSError):
                return False
            is_up = replication["role"] == "master" or replication["master_link_status"] == "up"
            if info["cluster_state"] != "ok" or len(roles) < len(self.servers) or not is_up:
                return False
        return True

    async def owners(self) -> Sequence[ClusterServer]:
        """Return the nodes that have slots."""
        running = next(server for server in self.servers if server.process is not None)
        roles = await running.roles()
        return [server for server in self.servers if roles.get(server.id) == "master"]

    async def find_owner(self, slot: int) -> ClusterServer:
        """Return the node that has a slot, as a node that runs sees it."""
        running = next(server for server in self.servers if server.process is not None)
        nodes: dict[str, Any] = await running.client.execute_command("CLUSTER NODES")
        for node in nodes.values():
            if any(int(first) <= slot <= int(last) for first, last in _ranges(node["slots"])):
                return next(s for s in self.servers if s.id == node["node_id"])
        raise LookupError(slot)

    async def move_slot(self, slot: int, target: ClusterServer, *, key_by_key: bool) -> None:
        """Move a slot: key by key, as every release can, or at once, as Valkey 9 can."""
        source = await self.find_owner(slot)
        if key_by_key:
            await self._move_keys(slot, source, target)
        else:
            await source.client.execute_command(
                "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target.id
            )

        async def is_moved() -> bool:
            return await self.find_owner(slot) is target

        await _until(is_moved, f"slot {slot} was not moved")

    async def _move_keys(self, slot: int, source: ClusterServer, target: ClusterServer) -> None:
        set_slot = ("CLUSTER", "SETSLOT", slot)
        await target.client.execute_command(*set_slot, "IMPORTING", source.id)
        await source.client.execute_command(*set_slot, "MIGRATING", target.id)
        while keys := await source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 10):
            where = (HOST, target.port, "", 0, 5_000, "REPLACE", "AUTH", self.password)
            await source.client.execute_command("MIGRATE", *where, "KEYS", *keys)
        for server in (target, source):
            await server.client.execute_command(*set_slot, "NODE", target.id)

    def _nodes_as_seen_by(self, seer: ClusterServer) -> str:
        lines = []
        share = SLOTS // len(self.masters)
        for number, (master, replica) in enumerate(zip(self.masters, self.replicas, strict=True)):
            last = SLOTS if number == len(self.masters) - 1 else (number + 1) * share
            for server, role, of, slots in (
                (master, "master", "-", f" {number * share}-{last - 1}"),
                (replica, "slave", master.id, ""),
            ):
                flags = f"myself,{role}" if server is seer else role
                address = f"{HOST}:{server.port}@{server.bus_port}"
                lines.append(
                    f"{server.id} {address} {flags} {of} 0 0 {number + 1} connected{slots}"
                )
        return "\n".join([*lines, f"vars currentEpoch {len(self.masters)} lastVoteEpoch 0", ""])


class PairServer(Server):
    """A server that can be a replica."""

    def further_configuration(self) -> str:
        return _OF_A_PAIR.format(password=self.secrets["password"])


class SentinelServer(Server):
    """A Sentinel that watches a server."""

    def __init__(self, folder: Path, password: str, server_port: int) -> None:
        super().__init__(folder, password)
        self._server_port = server_port

    def command(self) -> list[str]:
        return [*super().command(), "--sentinel"]

    async def prepare(self) -> None:
        configuration = _SENTINEL.format(
            host=HOST,
            port=self.port,
            folder=self.folder,
            password=self.secrets["password"],
            service=SERVICE,
            server_port=self._server_port,
            timeout_ms=SHORT_TIMEOUT_MS,
        )
        (self.folder / "valkey.conf").write_text(configuration)


class ValkeyWithSentinels:
    """A server with a replica, and three Sentinels that replace it when it fails."""

    def __init__(self, folder: Path) -> None:
        self.password = secrets.token_urlsafe(24)
        self.primary, self.replica = (
            PairServer(folder / name, self.password) for name in ("primary", "replica")
        )
        self.sentinels = [
            SentinelServer(folder / f"sentinel-{n}", self.password, self.primary.port)
            for n in range(3)
        ]

    @property
    def servers(self) -> Sequence[Server]:
        return (self.primary, self.replica, *self.sentinels)

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{server.port}" for server in self.sentinels)
        password = self.password
        return f"redis+sentinel://:{password}@{hosts}/{SERVICE}/0?sentinel_password={password}"

    async def start(self) -> None:
        await asyncio.gather(self.primary.start(), self.replica.start())
        await self.replica.client.execute_command("REPLICAOF", HOST, self.primary.port)
        await asyncio.gather(*(sentinel.start() for sentinel in self.sentinels))
        await _until(self.is_watched, "the Sentinels do not know each other")

    async def stop(self) -> None:
        await asyncio.gather(*(server.end() for server in self.servers))

    async def is_watched(self) -> bool:
        """Return whether every Sentinel knows the others and the replica."""
        for sentinel in self.sentinels:
            state = await sentinel.client.execute_command("SENTINEL MASTER", SERVICE)
            numbers = state["num-other-sentinels"], state["num-slaves"]
            if numbers != (len(self.sentinels) - 1, 1):
                return False
        return True


def _ranges(slots: list[list[str]]) -> list[tuple[str, str]]:
    """Return the first and last of each range; a single slot is a range."""
    return [(slot[0], slot[-1]) for slot in slots if slot and slot[0].isdigit()]


async def _until(check: Callable[[], Awaitable[bool]], what: str) -> None:
    if await seconds_until(check, _PATIENCE_SECONDS) is None:
        raise RuntimeError(what)
