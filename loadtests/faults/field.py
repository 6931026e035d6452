"""What a fault is, and what it can reach: processes, the wires between them, the voters."""

from __future__ import annotations

import asyncio
import random
import signal
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import psutil

from loadtests.chaos_voters import Crowd
from loadtests.faults.clock import Clock
from loadtests.faults.disk import Disk
from loadtests.stand import Stand, family
from loadtests.waiting import seconds_until
from tests.infrastructure.postgres.tcp_proxy import TcpProxy
from voting_service.demo.child import is_alive, wait_for_end
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    DATABASE,
    OWNER,
    SUPERUSER,
    EmbeddedPostgres,
)
from voting_service.demo.embedded_server import EmbeddedServer
from voting_service.infrastructure.postgres.pool import connect

RECOVERY_SECONDS = 60.0
_BACKUP_SETTINGS = ("wal_level = 'replica'", "max_wal_senders = 4")


class WiredStand(Stand):
    """A stand whose `serve` and `work` reach their stores through proxies that can fail."""

    postgres_wire: TcpProxy
    valkey_wire: TcpProxy
    _wires: Sequence[TcpProxy] = ()
    previous_keys: Sequence[bytes] = ()
    """Master keys that still decrypt, while they are being replaced."""
    person_key = bytes(32)
    clocks: Mapping[str, Clock] = MappingProxyType({})
    has_backups = False
    """Whether base backups can be taken."""
    is_forgetful = False
    """Whether the database is set to confirm commits before they reach the disk."""

    def use_clocks(self, clocks: Mapping[str, Clock]) -> None:
        """Have the processes of these names go by clocks that can be moved. Call it first."""
        self.clocks = clocks
        for name, store in (("postgres", self.postgres), ("valkey", self.valkey)):
            store.prefix = clocks[name].prefix()

    async def open_stores(self) -> None:
        """Start the stores and the proxies in front of them."""
        if self.has_backups:
            await self._configure(*(f"system set {setting}" for setting in _BACKUP_SETTINGS))
            await self.postgres.stop()
        if self.is_forgetful:
            await self._configure(f'database "{DATABASE}" set synchronous_commit = off')
        await super().open_stores()
        self.postgres_wire = TcpProxy(self.postgres.url(APPLICATION))
        self.valkey_wire = TcpProxy(self.valkey.url)
        self._wires = (self.postgres_wire, self.valkey_wire)
        for wire in self._wires:
            await wire.listen()

    def environment(self) -> dict[str, str]:
        """Return the environment of commands, with the addresses of the proxies."""
        master_keys = (self.master_key, *self.previous_keys)
        return super().environment() | {
            "VOTING_MASTER_KEY": ",".join(b64encode(key).decode() for key in master_keys),
            "VOTING_PERSON_KEY": b64encode(self.person_key).decode(),
            "VOTING_DATABASE_URL": self.postgres_wire.url,
            "VOTING_OWNER_DATABASE_URL": self.postgres.url(OWNER),
            "VOTING_VALKEY_URL": self.valkey_wire.url,
        }

    async def _configure(self, *settings: str) -> None:
        """Alter the server or the database, for sessions that begin later."""
        await self.postgres.start()
        administrator = await connect(self.postgres.url(SUPERUSER))
        for setting in settings:
            await administrator.execute(f"alter {setting}")
        await administrator.close()

    def everything(self) -> list[psutil.Process]:
        """Return every process of the stand that runs."""
        mains = [*self.processes.values(), self.postgres.process, self.valkey.process]
        return [process for main in mains for process in family(main) if is_alive(process)]

    def _postgres_ports(self) -> set[int]:
        return {self.postgres_wire.port}

    def _spawn(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        prefix = self.clocks[name].prefix() if name in self.clocks else []
        super()._spawn(name, [*prefix, *command], environment)

    async def stop_all(self) -> None:
        """Stop the servers, the proxies, then the stores."""
        await super().stop_all()
        for wire in self._wires:
            await wire.close()


@dataclass(slots=True)
class Field:
    """What a fault may touch. `broken` collects promises that it saw broken."""

    stand: WiredStand
    crowd: Crowd
    chooser: random.Random
    disk: Disk | None
    broken: list[str] = field(default_factory=list)

    async def pause(self, least: float, most: float) -> None:
        """Wait for a time drawn by the seed."""
        await asyncio.sleep(self.chooser.uniform(least, most))

    async def kill(self, server: EmbeddedServer) -> None:
        """End a store with SIGKILL."""
        process = server.process
        if process is None:
            raise RuntimeError(f"{server.title} was not running")
        process.send_signal(signal.SIGKILL)
        await wait_for_end(process, RECOVERY_SECONDS)

    async def votes_come(self) -> bool:
        """Wait until a vote that is sent from now on has its receipt."""
        answered = len(self.crowd.answered_at)

        async def came() -> bool:
            return len(self.crowd.answered_at) > answered

        return await seconds_until(came, RECOVERY_SECONDS) is not None


class Fault(NamedTuple):
    """One kind of fault: its name in the table, how often it comes in the short and the long form,
    and what brings it and takes it away again."""

    name: str
    short: int
    long: int
    inflict: Callable[[Field], Awaitable[None]]
    needs_disk: bool = False
    needs_backups: bool = False


async def freeze(processes: list[psutil.Process], seconds: float) -> None:
    """Stop processes with SIGSTOP for a while."""
    for number, pause in ((signal.SIGSTOP, seconds), (signal.SIGCONT, 0.0)):
        for process in processes:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        await asyncio.sleep(pause)


def all_processes(postgres: EmbeddedPostgres) -> list[psutil.Process]:
    """Return PostgreSQL's main process and its sessions."""
    return family(postgres.process)
