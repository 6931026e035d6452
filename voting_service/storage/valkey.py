"""Valkey or Redis: fast and forgettable. Whoever calls it must have an answer for its absence.

Server-side functions live in .lua files beside their owner. A client loads its own at its first
call, so that a new release replaces what an older one left in the server, and again whenever a
server turns out to have lost them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from voting_service.errors import StoreUnavailable

CALL_TIMEOUT_SECONDS = 0.5
OPEN_CIRCUIT_SECONDS = 0.5
"""After a failed call nobody waits for Valkey again for this long."""
MAX_CONNECTIONS = 64

log = structlog.get_logger(__name__)


def contest_tag(contest_id: int) -> str:
    """The hash tag that keeps a contest's keys on one node of a cluster."""
    return f"{{c{contest_id}}}"


class _FunctionMissing(Exception):
    """The server does not know the function that was called."""


class Valkey:
    """A client whose calls answer within twice `CALL_TIMEOUT_SECONDS` or raise StoreUnavailable,
    whatever the server's trouble is: away, loading, read-only, full, or misused by us.

    No call is tried again behind the caller's back: the caller knows what is safe to repeat.
    """

    def __init__(self, url: str, *, monotonic: Callable[[], float] | None = None) -> None:
        # A burst of callers waits for a connection; it must not look like an outage.
        pool: Any = BlockingConnectionPool.from_url(
            url,
            protocol=3,
            timeout=CALL_TIMEOUT_SECONDS,
            socket_timeout=CALL_TIMEOUT_SECONDS,
            socket_connect_timeout=CALL_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            max_connections=MAX_CONNECTIONS,
        )
        self._client: Any = Redis.from_pool(pool)
        self._monotonic = monotonic or asyncio.get_running_loop().time
        self._closed_until = 0.0
        self._libraries: list[str] = []
        self._loaded = False

    def register_functions(self, package: str, file_name: str) -> None:
        """Names a .lua file whose functions `call` may be asked for."""
        source = resources.files(package).joinpath(file_name).read_text(encoding="utf-8")
        self._libraries.append(source)
        self._loaded = False

    async def load_functions(self) -> None:
        """Loads every registered file, replacing other versions."""
        for source in self._libraries:
            await self.command("FUNCTION", "LOAD", "REPLACE", source)
        self._loaded = True

    async def call(self, function: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Calls a registered function: one round trip once the functions are loaded."""
        words = ("FCALL", function, len(keys), *keys, *arguments)
        if self._loaded:
            try:
                return await self._send(*words)
            except _FunctionMissing:
                log.info("fast_store_lost_its_functions")
        await self.load_functions()
        try:
            return await self._send(*words)
        except _FunctionMissing as error:
            raise StoreUnavailable(f"the fast store has no function {function}") from error

    async def command(self, *words: Any) -> Any:
        """Sends one command."""
        return await self._send(*words)

    async def ping(self) -> None:
        """Asks the server itself, even while calls are being spared."""
        await self._ask("PING")
        self._closed_until = 0.0

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, *words: Any) -> Any:
        if self._monotonic() < self._closed_until:
            raise StoreUnavailable("the fast store did not answer a moment ago")
        return await self._ask(*words)

    async def _ask(self, *words: Any) -> Any:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_SECONDS * 2):
                return await self._client.execute_command(*words)
        except ResponseError as error:
            if "function not found" in str(error).lower():
                raise _FunctionMissing from error
            # The client strips codes like READONLY or OOM off some messages and keeps others,
            # and new ones come with every server: all of them mean "do without it for now".
            self._spare()
            log.warning("fast_store_refused", command=words[0], reason=str(error))
            raise StoreUnavailable("the fast store is not ready") from error
        except (RedisError, OSError, TimeoutError) as error:
            self._spare()
            raise StoreUnavailable(
                f"the fast store did not answer ({type(error).__name__})"
            ) from error

    def _spare(self) -> None:
        self._closed_until = self._monotonic() + OPEN_CIRCUIT_SECONDS
