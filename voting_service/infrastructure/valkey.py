"""A client of Valkey or Redis, which may lose its data: every caller handles its absence.

Server-side functions are .lua files beside the package that calls them. A client loads its own at
its first call, and again if the server has lost them. In each file VERSION stands for a hash of it,
so that the functions of two releases live side by side while one replaces the other.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from hashlib import blake2b
from importlib import resources
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from voting_service.errors import StoreFault, StoreUnavailable
from voting_service.infrastructure.circuit_breaker import CircuitBreaker, Monotonic
from voting_service.infrastructure.timeouts import (
    VALKEY_CALL_TIMEOUT_SECONDS,
)

OPEN_CIRCUIT_SECONDS = 0.5
"""After a failed call, calls are refused without asking Valkey for this long."""
MAX_CONNECTIONS = 64
PROBE_KEY = "voting:probe"
_FUNCTION = re.compile(r"'(voting_\w+)_VERSION'")

log = structlog.get_logger(__name__)


def contest_tag(contest_id: int) -> str:
    """Return the hash tag that keeps a contest's keys on one node of a cluster."""
    return f"{{c{contest_id}}}"


_FAULTS = (
    (re.compile("READONLY|read.?only"), "read_only"),
    (re.compile("OOM|maxmemory"), "full"),
    (re.compile("LOADING|is loading"), "loading"),
    (re.compile("NOPERM|NOAUTH|WRONGPASS|permissions|password|Authentication"), "not_allowed"),
)
"""What a server's refusal is about, by its text: the client strips the code off some messages."""


def _fault(error: Exception) -> StoreFault:
    """Return the fault that a server's refusal tells of."""
    text = f"{type(error).__name__} {error}"
    word = next((word for pattern, word in _FAULTS if pattern.search(text)), "refuses")
    return StoreFault(f"infrastructure.valkey.{word}")


class _FunctionMissing(Exception):
    """The server does not have the function that was called."""


class Valkey:
    """A client whose calls answer within `VALKEY_MAX_CALL_SECONDS` or raise StoreUnavailable,
    whatever the server's trouble is: away, loading, read-only, full, or misused by us.

    That covers a server that is unreachable, loading, read-only or full, and commands that it
    does not accept. No call is retried: the caller knows what is safe to repeat.
    """

    def __init__(
        self,
        url: str,
        *,
        monotonic: Monotonic | None = None,
        call_timeout_seconds: float = VALKEY_CALL_TIMEOUT_SECONDS,
    ) -> None:
        # A burst of callers waits for a connection; it must not look like an outage.
        pool: Any = BlockingConnectionPool.from_url(
            url,
            protocol=3,
            timeout=call_timeout_seconds,
            socket_timeout=call_timeout_seconds,
            socket_connect_timeout=call_timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            max_connections=MAX_CONNECTIONS,
        )
        # Connecting and calling have the timeout each.
        self._max_call_seconds = 2 * call_timeout_seconds
        self._client: Any = Redis.from_pool(pool)
        self._circuit = CircuitBreaker(
            monotonic or asyncio.get_running_loop().time,
            failure_threshold=1,
            open_seconds=OPEN_CIRCUIT_SECONDS,
        )
        self._libraries: list[str] = []
        self._versions: dict[str, str] = {}
        self._loaded = False
        self.register_functions(__package__, "valkey_probe.lua")

    def register_functions(self, package: str, file_name: str) -> None:
        """Register a .lua file whose functions `call` may call."""
        source = resources.files(package).joinpath(file_name).read_text(encoding="utf-8")
        version = blake2b(source.encode(), digest_size=4).hexdigest()
        for function in _FUNCTION.findall(source):
            self._versions[function] = f"{function}_{version}"
        self._libraries.append(source.replace("VERSION", version))
        self._loaded = False

    async def load_functions(self) -> None:
        """Load every registered file, replacing other versions."""
        for source in self._libraries:
            await self.command("FUNCTION", "LOAD", "REPLACE", source)
        self._loaded = True

    async def call(self, function: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Call a registered function: one round trip once the functions are loaded."""
        words = ("FCALL", self._versions.get(function, function), len(keys), *keys, *arguments)
        if self._loaded:
            try:
                return await self._send(*words)
            except _FunctionMissing:
                log.info("valkey_functions_missing")
        await self.load_functions()
        try:
            return await self._send(*words)
        except _FunctionMissing as error:
            raise StoreUnavailable(
                "infrastructure.valkey_function_missing", function=function
            ) from error

    async def command(self, *words: Any) -> Any:
        """Send one command."""
        return await self._send(*words)

    async def probe(self) -> None:
        """Try what admitting a vote needs, a function that writes, even while the circuit is open.

        Success closes the circuit. Raises StoreUnavailable, or StoreFault with the cause.
        """
        words = ("FCALL", self._versions["voting_probe"], 1, PROBE_KEY)
        try:
            await self._ask(*words)
        except _FunctionMissing:
            for source in self._libraries:
                await self._ask("FUNCTION", "LOAD", "REPLACE", source)
            await self._ask(*words)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _send(self, *words: Any) -> Any:
        if not self._circuit.try_acquire():
            raise StoreUnavailable("infrastructure.valkey_circuit_open")
        return await self._ask(*words)

    async def _ask(self, *words: Any) -> Any:
        try:
            async with asyncio.timeout(self._max_call_seconds):
                answer = await self._client.execute_command(*words)
        except ResponseError as error:
            if "function not found" in str(error).lower():
                self._circuit.record_success()  # the server answers, and lets us load it
                raise _FunctionMissing from error
            # The client strips codes like READONLY or OOM off some messages and keeps others,
            # and new ones come with every server: all of them mean "do without it for now".
            self._circuit.record_failure()
            log.warning("fast_store_refused", command=words[0], reason=str(error))
            raise _fault(error) from error
        except AuthenticationError as error:
            self._circuit.record_failure()
            raise _fault(error) from error
        except (RedisError, OSError, TimeoutError) as error:
            self._circuit.record_failure()
            raise StoreUnavailable(
                "infrastructure.valkey_no_answer", name=type(error).__name__
            ) from error
        self._circuit.record_success()
        return answer
