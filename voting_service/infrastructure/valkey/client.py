"""A client of Valkey or Redis, which may lose its data: every caller handles its absence.

Server-side functions are .lua files beside the package that calls them. A client loads its own when
a server does not have them: at the first call, after it lost them, on a node that has just joined a
cluster. In each file VERSION stands for a hash of it, so that the functions of two releases live
side by side while one replaces the other.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from importlib import resources
from typing import Any

import structlog
from redis.exceptions import (
    AuthenticationError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from voting_service.errors import StoreFault, StoreUnavailable
from voting_service.infrastructure.circuit_breaker import CircuitBreaker, Monotonic
from voting_service.infrastructure.timeouts import (
    VALKEY_CALL_TIMEOUT_SECONDS,
)
from voting_service.infrastructure.valkey.servers import (
    Node,
    Servers,
    find_servers,
)
from voting_service.infrastructure.valkey.tags import tag_in_share
from voting_service.valkey_address import ValkeyAddress

OPEN_CIRCUIT_SECONDS = 0.5
"""After a failed call, calls are refused without asking Valkey for this long."""
PROBE_KEY = "probe"
FINDING = "finding the servers"
"""The circuit of what precedes a call: which servers there are, and which has a key."""
_FUNCTION = re.compile(r"'(voting_\w+)_VERSION'")

log = structlog.get_logger(__name__)


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
    does not accept. No call is retried: the caller knows what is safe to repeat. Each node of a
    cluster may be unavailable by itself.
    """

    def __init__(
        self,
        url: str,
        *,
        monotonic: Monotonic | None = None,
        call_timeout_seconds: float = VALKEY_CALL_TIMEOUT_SECONDS,
    ) -> None:
        self._address = ValkeyAddress.parse(url)
        self._call_timeout_seconds = call_timeout_seconds
        # Connecting and calling have the timeout each.
        self._max_call_seconds = 2 * call_timeout_seconds
        self._monotonic = monotonic or asyncio.get_running_loop().time
        self._servers: Servers | None = None
        self._finding = asyncio.Lock()
        self._circuits: dict[str, CircuitBreaker] = {}
        self._libraries: list[str] = []
        self._versions: dict[str, str] = {}
        self.register_functions(__package__, "probe.lua")

    def register_functions(self, package: str, file_name: str) -> None:
        """Register a .lua file whose functions `call` may call."""
        source = resources.files(package).joinpath(file_name).read_text(encoding="utf-8")
        version = blake2b(source.encode(), digest_size=4).hexdigest()
        for function in _FUNCTION.findall(source):
            self._versions[function] = f"{function}_{version}"
        self._libraries.append(source.replace("VERSION", version))

    async def shards(self) -> int:
        """Return over how many shards a contest is spread. Raises StoreUnavailable before the
        servers answered once."""
        if self._servers is None or not self._servers.nodes:
            await self._find_node(PROBE_KEY)
        return self._servers.shards if self._servers is not None else 1

    async def call(self, function: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Call a registered function on the node of its keys: one round trip once it is loaded
        there."""
        node = await self._find_node(keys[0])
        try:
            return await self._send(node, *self._words(function, keys, arguments))
        except _FunctionMissing:
            log.info("valkey_functions_missing", node=node.name)
        await self._load_functions()
        try:
            return await self._send(node, *self._words(function, keys, arguments))
        except _FunctionMissing as error:
            raise StoreUnavailable(
                "infrastructure.valkey_function_missing", function=function
            ) from error

    async def command(self, *words: Any, key: str | None = None) -> Any:
        """Send one command to the node of `key`, by default its second word."""
        node = await self._find_node(key or (str(words[1]) if len(words) > 1 else ""))
        return await self._send(node, *words)

    async def probe(self) -> None:
        """Try what admitting a vote needs on every shard, a function that writes, even while the
        circuit is open.

        Success closes the circuit. Raises StoreUnavailable, or StoreFault with the cause.
        """
        await self._find_node(PROBE_KEY, even_while_open=True)
        shards = await self.shards()
        keys = [f"{tag_in_share(PROBE_KEY, shard, shards)}:probe" for shard in range(shards)]
        for outcome in await asyncio.gather(*map(self._probe, keys), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _probe(self, key: str) -> None:
        node = await self._find_node(key, even_while_open=True)
        words = self._words("voting_probe", [key], ())
        try:
            await self._ask(node, *words)
        except _FunctionMissing:
            await self._load_functions()
            await self._ask(node, *words)

    async def close(self) -> None:
        """Close all connections, also those that are being opened."""
        async with self._finding:
            if self._servers is not None:
                await self._servers.close()

    def _words(self, function: str, keys: Sequence[str], arguments: Sequence[Any]) -> Sequence[Any]:
        return ("FCALL", self._versions.get(function, function), len(keys), *keys, *arguments)

    async def _load_functions(self) -> None:
        """Load every registered file on all nodes, also on those to which slots are being moved.
        A node that cannot take them fails the calls that it gets."""
        assert self._servers is not None
        for source in self._libraries:
            loads = [
                self._ask(node, "FUNCTION", "LOAD", "REPLACE", source)
                for node in self._servers.nodes
            ]
            outcomes = await asyncio.gather(*loads, return_exceptions=True)
            if all(isinstance(outcome, BaseException) for outcome in outcomes):
                raise next(error for error in outcomes if isinstance(error, BaseException))

    def _circuit(self, name: str) -> CircuitBreaker:
        if name not in self._circuits:
            self._circuits[name] = CircuitBreaker(
                self._monotonic, failure_threshold=1, open_seconds=OPEN_CIRCUIT_SECONDS
            )
        return self._circuits[name]

    async def _find_node(self, key: str, *, even_while_open: bool = False) -> Node:
        if self._servers is not None and (node := self._servers.known_node(key)) is not None:
            return node
        circuit = self._circuit(FINDING)
        if not even_while_open and not circuit.try_acquire():
            raise StoreUnavailable("infrastructure.valkey_circuit_open")
        with _domain_errors(circuit, "find"):
            async with asyncio.timeout(self._max_call_seconds):
                if self._servers is None:
                    async with self._finding:
                        self._servers = self._servers or await find_servers(
                            self._address, self._call_timeout_seconds, self._monotonic
                        )
                return await self._servers.find_node(key)

    async def _send(self, node: Node, *words: Any) -> Any:
        if not self._circuit(node.name).try_acquire():
            raise StoreUnavailable("infrastructure.valkey_circuit_open")
        return await self._ask(node, *words)

    async def _ask(self, node: Node, *words: Any) -> Any:
        with _domain_errors(self._circuit(node.name), words[0]):
            async with asyncio.timeout(self._max_call_seconds):
                return await node.send(*words)


@contextmanager
def _domain_errors(circuit: CircuitBreaker, command: str) -> Iterator[None]:
    """Raise the client's errors as ours, and tell the circuit."""
    try:
        yield
    except ResponseError as error:
        if "function not found" in str(error).lower():
            circuit.record_success()  # the server answers, and lets us load it
            raise _FunctionMissing from error
        # The client strips codes like READONLY or OOM off some messages and keeps others,
        # and new ones come with every server: all of them mean "do without it for now".
        circuit.record_failure()
        log.warning("fast_store_refused", command=command, reason=str(error))
        raise _fault(error) from error
    except AuthenticationError as error:
        circuit.record_failure()
        raise _fault(error) from error
    except StoreFault:
        circuit.record_failure()
        raise
    except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
        circuit.record_failure()
        raise StoreUnavailable(
            "infrastructure.valkey_no_answer", name=type(error).__name__
        ) from error
    circuit.record_success()
