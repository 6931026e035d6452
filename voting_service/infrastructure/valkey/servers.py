"""The servers behind a Valkey client: one, one that Sentinels name, or a cluster.

Each knows to which node a key belongs. The redis client follows redirections (MOVED, ASK) and asks
Sentinels. Here it never repeats a call that may have been executed: a call fails, and the caller
knows what is safe to repeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from redis._parsers import AsyncCommandsParser
from redis.asyncio import ConnectionPool, Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ClusterError, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoAnswer
from redis.maint_notifications import MaintNotificationsConfig

from voting_service.errors import StoreFault
from voting_service.infrastructure.circuit_breaker import Monotonic
from voting_service.valkey_address import ValkeyAddress

MAX_CONNECTIONS = 64
"""Of one process to one node."""
REFRESH_SECONDS = 15.0
"""How often a client asks a cluster which node has which slots. Between that it learns of a node
that failed, or no longer has a slot, by the answers to its calls."""

PAUSE_SECONDS = 0.5
"""After it could not be asked."""

log = structlog.get_logger(__name__)


class Node(Protocol):
    """A server that a call is sent to."""

    @property
    def name(self) -> str:
        """What tells it from the other nodes."""

    async def send(self, *words: Any) -> Any:
        """Send one command."""


class Servers(Protocol):
    """The servers of one Valkey."""

    @property
    def shards(self) -> int:
        """How many nodes have slots."""

    @property
    def nodes(self) -> Sequence[Node]:
        """The nodes that have slots."""

    def known_node(self, key: str) -> Node | None:
        """Return the node that a key belongs to, None if it must be looked for."""

    async def find_node(self, key: str) -> Node:
        """Look for the node that a key belongs to."""

    async def close(self) -> None:
        """Close all connections."""


class SingleServer:
    """One server, or the one that Sentinels name at the moment."""

    name = "server"
    shards = 1

    def __init__(self, client: Any, sentinels: Sequence[Any] = ()) -> None:
        self._client = client
        self._sentinels = sentinels
        # A burst of callers waits for a connection; it must not look like an outage.
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)

    @property
    def nodes(self) -> Sequence[Node]:
        return (self,)

    def known_node(self, _key: str) -> Node:
        return self

    async def find_node(self, _key: str) -> Node:
        return self

    async def send(self, *words: Any) -> Any:
        async with self._free:
            return await self._client.execute_command(*words)

    async def close(self) -> None:
        for client in (self._client, *self._sentinels):
            await client.aclose()


class NodeOfCluster:
    """A node of a cluster, which redirects calls for slots that it no longer has."""

    def __init__(self, cluster: Cluster, node: ClusterNode) -> None:
        self._cluster = cluster
        self._node = node
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)

    @property
    def name(self) -> str:
        return str(self._node.name)

    async def send(self, *words: Any) -> Any:
        async with self._free:
            return await self._cluster.send(self._node, *words)


class Cluster:
    """A cluster. Which node has which slots is looked up again in the background, so that while one
    node fails calls of the others do not wait."""

    def __init__(self, client: RedisCluster, monotonic: Monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._nodes: dict[str, NodeOfCluster] = {}
        self._look_up: asyncio.Task[None] | None = None
        self._look_up_at = 0.0
        self._failed_node: str | None = None

    @property
    def shards(self) -> int:
        return max(1, len(self._nodes))

    @property
    def nodes(self) -> Sequence[Node]:
        return tuple(self._nodes.values())

    def known_node(self, key: str) -> Node | None:
        if self._look_up_at <= self._monotonic() and (
            self._look_up is None or self._look_up.done()
        ):
            self._look_up = asyncio.create_task(self._look_up_slots())
        nodes = self._client.nodes_manager.slots_cache.get(key_slot(key.encode()))
        if not nodes:
            return None
        node = nodes[0]
        if node.name not in self._nodes:  # a redirection named it: a failover, or a new master
            self._look_up_at = 0.0
            return NodeOfCluster(self, node)
        return self._nodes[node.name]

    async def find_node(self, key: str) -> Node:
        node = self.known_node(key)
        if node is None and self._look_up is not None:
            await asyncio.shield(self._look_up)
            node = self.known_node(key)
        if node is None:
            raise NotConnected("unserved slot")
        return node

    async def send(self, node: ClusterNode, *words: Any) -> Any:
        """Send a command to a node and follow its redirections."""
        try:
            return await self._client.execute_command(*words, target_nodes=node)
        except AttributeError as error:
            # The client has no word for a redirection to a node that it has never heard of.
            self._look_up_at = 0.0
            raise NotConnected(str(error)) from error
        except (NotConnected, NoAnswer, ClusterError, RedisClusterException):
            self._failed_node, self._look_up_at = node.name, 0.0
            raise

    async def close(self) -> None:
        if self._look_up is not None:
            self._look_up.cancel()
            await asyncio.wait([self._look_up])
        await self._client.aclose()

    async def _look_up_slots(self) -> None:
        try:
            await self._client.initialize(last_failed_node_name=self._failed_node)
            await self._client.nodes_manager.initialize(last_failed_node_name=self._failed_node)
        except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
            log.warning("valkey_cluster_unknown", reason=str(error))
            self._look_up_at = self._monotonic() + PAUSE_SECONDS
            return
        self._look_up_at, self._failed_node = self._monotonic() + REFRESH_SECONDS, None
        slots = self._client.nodes_manager.slots_cache
        owners = {nodes[0].name: nodes[0] for nodes in slots.values()}
        self._nodes = {
            name: self._nodes.get(name) or NodeOfCluster(self, node)
            for name, node in sorted(owners.items())
        }


async def find_servers(
    address: ValkeyAddress, timeout_seconds: float, monotonic: Monotonic
) -> Servers:
    """Return the servers at an address. One node, or the first of several that answers, is asked
    whether it belongs to a cluster. Raises what the client raises, and StoreFault where several
    servers are named that are no cluster."""
    if address.service is not None:
        return _behind_sentinels(address, timeout_seconds)
    options = _options(timeout_seconds)
    failure: Exception | None = None
    for url in address.urls:
        pool = ConnectionPool.from_url(url, **options, max_connections=MAX_CONNECTIONS)
        client: Any = Redis.from_pool(pool)
        try:
            greeting: dict[bytes, Any] = await client.execute_command("HELLO")
        except (RedisError, OSError, TimeoutError) as error:
            await client.aclose()
            failure = error
            continue
        except BaseException:  # the time is up
            await client.aclose()
            raise
        if greeting[b"mode"] != b"cluster":
            if len(address.nodes) > 1:
                await client.aclose()
                raise StoreFault("infrastructure.valkey.no_cluster")
            return SingleServer(client)
        await client.aclose()
        return Cluster(_cluster_client(address, options), monotonic)
    raise failure or NotConnected("no address")


def login(address: ValkeyAddress) -> dict[str, Any]:
    """Return what the URL has of login and TLS, as arguments of the client."""
    named: dict[str, Any] = {**parse_url(address.urls[0])}
    for other in ("host", "port", "db", "connection_class"):
        named.pop(other, None)
    return named | {"ssl": address.is_tls}


def sentinel_login(address: ValkeyAddress) -> dict[str, Any]:
    """Return the same of the Sentinels."""
    secured = {name: value for name, value in login(address).items() if name.startswith("ssl")}
    return secured | address.sentinel_options


def database(address: ValkeyAddress) -> int:
    """Return the number of the database."""
    return parse_url(address.urls[0]).get("db", 0)


def _options(timeout_seconds: float) -> dict[str, Any]:
    return {
        "protocol": 3,
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
    }


def _cluster_client(address: ValkeyAddress, options: dict[str, Any]) -> RedisCluster:
    client = RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.nodes],
        require_full_coverage=False,
        reinitialize_steps=0,  # it would close connections that other calls use
        max_connections=MAX_CONNECTIONS,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **login(address),
        **options,
    )
    client.commands_parser = KeysByPosition()
    return client


class KeysByPosition(AsyncCommandsParser):
    """Finds the keys of our commands. The client's own way asks the server for a description of all
    its commands, which takes a tenth of a second of a worker's time after every failed call, and
    for the keys of every call of a function."""

    async def initialize(self, node: Any = None) -> None:
        """Ask nobody."""

    async def get_keys(self, *args: Any) -> tuple[str, ...] | None:
        """Return the keys of a function call, or the one key of another command."""
        if args[0] == "FCALL":
            return tuple(args[3 : 3 + int(args[2])])
        return args[1:2]


def _behind_sentinels(address: ValkeyAddress, timeout_seconds: float) -> Servers:
    options = _options(timeout_seconds)
    make_sentinel: Any = Sentinel
    sentinel = make_sentinel(list(address.nodes), sentinel_kwargs=options | sentinel_login(address))
    make_pool: Any = SentinelConnectionPool
    pool = make_pool(
        address.service,
        sentinel,
        db=database(address),
        max_connections=MAX_CONNECTIONS,
        **login(address),
        **options,
    )
    return SingleServer(Redis.from_pool(pool), sentinel.sentinels)
