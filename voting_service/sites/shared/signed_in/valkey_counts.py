"""Where slowapi counts: a Valkey that need not be there yet, of whatever kind it is.

The storages of `limits` ask their server when they are made, or must know what it is. This one
looks for it when it is first asked.
"""

from __future__ import annotations

from typing import Any

from limits.storage import RedisClusterStorage, RedisStorage, Storage
from redis import ConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from voting_service.infrastructure.timeouts import VALKEY_CALL_TIMEOUT_SECONDS
from voting_service.infrastructure.valkey.servers import database, login, sentinel_login
from voting_service.valkey_address import ValkeyAddress


class ValkeyCounts(Storage):
    """Counts in the Valkey at an address. Raises the client's errors while it is unavailable."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._address = ValkeyAddress.parse(url)
        self._found: RedisStorage | None = None

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return RedisError, RedisClusterException

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._storage.incr(key, expiry, amount)

    def get(self, key: str) -> int:
        return self._storage.get(key)

    def get_expiry(self, key: str) -> float:
        return self._storage.get_expiry(key)

    def check(self) -> bool:
        try:
            return bool(self._storage.check())
        except (RedisError, RedisClusterException, OSError):
            return False

    def reset(self) -> int | None:
        return self._storage.reset()

    def clear(self, key: str) -> None:
        self._storage.clear(key)

    def close(self) -> None:
        """Close all connections."""
        if self._found is not None:
            self._found.storage.close()

    @property
    def _storage(self) -> RedisStorage:
        if self._found is None:
            self._found = _open_storage(self._address)
        return self._found


def _open_storage(address: ValkeyAddress) -> RedisStorage:
    options: dict[str, Any] = {
        "protocol": 3,
        "socket_timeout": VALKEY_CALL_TIMEOUT_SECONDS,
        "socket_connect_timeout": VALKEY_CALL_TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    if address.service is not None:
        return RedisStorage("redis://", _pool_of_sentinels(address, options))
    for url in address.urls:
        pool = ConnectionPool.from_url(url, **options)
        client: Any = Redis(connection_pool=pool)
        try:
            mode = client.execute_command("HELLO")[b"mode"]
        except (RedisError, OSError):
            if url == address.urls[-1]:
                raise
            continue
        if mode != b"cluster":
            return RedisStorage(url, pool)
        pool.disconnect()
        break
    hosts = ",".join(f"{host}:{port}" for host, port in address.nodes)
    options |= login(address) | {"require_full_coverage": False}
    return RedisClusterStorage(f"redis+cluster://{hosts}", **options)


def _pool_of_sentinels(address: ValkeyAddress, options: dict[str, Any]) -> ConnectionPool:
    make_sentinel: Any = Sentinel
    sentinel = make_sentinel(list(address.nodes), sentinel_kwargs=options | sentinel_login(address))
    make_pool: Any = SentinelConnectionPool
    arguments = options | login(address) | {"db": database(address)}
    pool: ConnectionPool = make_pool(address.service, sentinel, **arguments)
    return pool
