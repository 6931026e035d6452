"""Valkey or Redis: fast and forgettable. Whoever calls it must have an answer for its absence.

Server-side functions live in .lua files beside their owner and are loaded when a server turns
out not to have them: at the first call, and again after a restart has lost them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from voting_service.errors import StoreUnavailable

CALL_TIMEOUT_SECONDS = 0.5
OPEN_CIRCUIT_SECONDS = 0.5
"""After a failed call nobody waits for Valkey again for this long."""


def contest_tag(contest_id: int) -> str:
    """The hash tag that keeps a contest's keys on one node of a cluster."""
    return f"{{c{contest_id}}}"


class Valkey:
    """A client whose calls answer within `CALL_TIMEOUT_SECONDS` or raise StoreUnavailable.

    No call is tried again behind the caller's back: the caller knows what is safe to repeat.
    """

    def __init__(self, url: str, *, monotonic: Callable[[], float] | None = None) -> None:
        self._client: Any = Redis.from_url(
            url,
            protocol=3,
            socket_timeout=CALL_TIMEOUT_SECONDS,
            socket_connect_timeout=CALL_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            max_connections=64,
        )
        self._monotonic = monotonic or asyncio.get_running_loop().time
        self._closed_until = 0.0
        self._libraries: list[str] = []

    def register_functions(self, package: str, file_name: str) -> None:
        """Names a .lua file whose functions `call` may be asked for."""
        source = resources.files(package).joinpath(file_name).read_text(encoding="utf-8")
        self._libraries.append(source)

    async def load_functions(self) -> None:
        """Loads every registered file, replacing older versions."""
        for source in self._libraries:
            await self.command("FUNCTION", "LOAD", "REPLACE", source)

    async def call(self, function: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Calls a registered function: one round trip, and two more when the server lost it."""
        try:
            return await self._send("FCALL", function, len(keys), *keys, *arguments)
        except ResponseError as error:
            if "function not found" not in str(error).lower():
                raise
        await self.load_functions()
        return await self._send("FCALL", function, len(keys), *keys, *arguments)

    async def command(self, *words: Any) -> Any:
        """Sends one command."""
        return await self._send(*words)

    async def ping(self) -> None:
        """Asks the server itself, even while calls are being spared."""
        self._closed_until = 0.0
        await self._send("PING")

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, *words: Any) -> Any:
        if self._monotonic() < self._closed_until:
            raise StoreUnavailable("the fast store did not answer a moment ago")
        try:
            async with asyncio.timeout(CALL_TIMEOUT_SECONDS * 2):
                return await self._client.execute_command(*words)
        except ResponseError as error:
            if isinstance(error, NoScriptError) or not _is_outage(error):
                raise
            self._spare()
            raise StoreUnavailable("the fast store is not ready") from error
        except (RedisError, OSError, TimeoutError) as error:
            self._spare()
            raise StoreUnavailable(
                f"the fast store did not answer ({type(error).__name__})"
            ) from error

    def _spare(self) -> None:
        self._closed_until = self._monotonic() + OPEN_CIRCUIT_SECONDS


def _is_outage(error: ResponseError) -> bool:
    return str(error).startswith(
        ("LOADING", "MASTERDOWN", "READONLY", "OOM", "BUSY", "CLUSTERDOWN")
    )
