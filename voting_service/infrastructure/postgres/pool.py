"""Postgres connections and pools with timeouts, and its errors as domain errors."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import asyncpg
import msgspec

from voting_service.errors import StoreFault, StoreUnavailable, spread_retry_seconds
from voting_service.infrastructure.postgres.constraint_errors import find_constraint_error
from voting_service.infrastructure.postgres.durability import (
    NoPrimary,
    NotDurable,
    NotReplicated,
    require_durable,
    require_replicated,
)
from voting_service.infrastructure.postgres.hosts import (
    connect_to_primary,
    forget_primary,
    host_names,
)
from voting_service.infrastructure.postgres.roles import split_role
from voting_service.infrastructure.timeouts import (
    ACQUIRE_TIMEOUT_SECONDS,
    COMMAND_TIMEOUT_SECONDS,
    LOCK_TIMEOUT_SECONDS,
    STATEMENT_TIMEOUT_SECONDS,
)

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    PooledConnection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    AnyConnection = Connection | PooledConnection
    AsyncpgPool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = PooledConnection = AnyConnection = Any
    AsyncpgPool = asyncpg.Pool

MAX_WAITING = 256
"""Callers that may wait for a connection of one pool. Connections are held for milliseconds, so
more of them would only make every one of them late."""


class Pool(AsyncpgPool):
    """A pool with a bounded queue of callers in front of it; `acquire` below keeps the bound."""

    waiting = 0
    url = ""

    async def leave(self) -> None:
        """Look for the primary again: the pools of this process that have the same servers use no
        open connection any more."""
        forget_primary(self.url)
        for pool in list(_open_pools):
            if host_names(pool.url) == host_names(self.url):
                await pool.expire_connections()


_open_pools: WeakSet[Pool] = WeakSet()

_NAME = {"application_name": "voting-service"}
_LOST_CLIENT_DETECTION = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""Without keepalives, the session of a machine that lost its network, and a lease that the session
holds, would last for two more hours."""

_UNAVAILABLE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.TargetServerAttributeNotMatched,
)


_FAULTS: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.InvalidPasswordError, "wrong_password"),
    (asyncpg.InvalidAuthorizationSpecificationError, "not_let_in"),
    (asyncpg.InvalidCatalogNameError, "unknown_database"),
    (asyncpg.TooManyConnectionsError, "no_connections_left"),
    (asyncpg.TargetServerAttributeNotMatched, "no_primary"),
    (asyncpg.ReadOnlySQLTransactionError, "no_primary"),
    (asyncpg.ProtocolViolationError, "session_refused"),
    (asyncpg.InvalidSQLStatementNameError, "transaction_pooling"),
    (asyncpg.DuplicatePreparedStatementError, "transaction_pooling"),
    (ssl.SSLError, "tls_failed"),
)
"""What each error tells about how Postgres, or a pooler before it, is set up."""


def _connection_fault(error: BaseException) -> StoreFault | None:
    code = next((code for kind, code in _FAULTS if isinstance(error, kind)), None)
    if code is None and isinstance(error, ConnectionError) and "SSL upgrade" in str(error):
        code = "tls_failed"
    if code is None:
        return None
    reason = str(error).partition("\n")[0] if error.args else type(error).__name__
    return StoreFault(f"infrastructure.postgres.{code}", reason=reason)


_TRANSLATED: tuple[type[BaseException], ...] = (*_UNAVAILABLE, *(kind for kind, _ in _FAULTS))


@contextmanager
def domain_errors() -> Iterator[None]:
    """Translate errors of Postgres inside the block into domain errors.

    Raises StoreFault if Postgres or a pooler is set up in a way that cannot work,
    StoreUnavailable if the outcome of the block is unknown, or the registered error of a broken
    constraint. Other errors are bugs and pass through.
    """
    try:
        yield
    except _TRANSLATED as error:
        fault = _connection_fault(error)
        if fault is not None:
            raise fault from error
        raise StoreUnavailable(
            "infrastructure.postgres.no_answer", name=type(error).__name__
        ) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        domain_error = find_constraint_error(error.constraint_name)
        if domain_error is None:
            raise
        raise domain_error from error


def _decode_json(text: str) -> Any:
    return msgspec.json.decode(text)


def _encode_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _prepare_connection(parameters: Mapping[str, str], connection: Any) -> None:
    """Prepare a new connection. Raises NotDurable for a server that loses commits, NoPrimary for a
    standby, StoreFault for a login that may not take its role.

    The parameters are set here, in the same round trip, and not when the session starts: poolers
    refuse a session that names parameters they do not know.
    """
    try:
        await require_durable(connection, parameters)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError) as error:
        raise StoreFault(
            "infrastructure.postgres.not_the_role", role=parameters.get("role", "")
        ) from error
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_json, decoder=_decode_json
    )


async def _skip_reset(_connection: Any) -> None:
    """Reset nothing: no statement changes session state, and a reset costs a round trip."""


async def connect(url: str) -> Connection:
    """Open a connection outside any pool, for commands and advisory-lock leases.

    Raises StoreUnavailable, or NotDurable for a server that loses commits.
    """
    url, role = split_role(url)
    with domain_errors():
        connection: Connection = await connect_to_primary(
            url,
            timeout=ACQUIRE_TIMEOUT_SECONDS * 5,
            command_timeout=None,
            server_settings=_NAME,
        )
        try:
            await _prepare_connection(_LOST_CLIENT_DETECTION | role, connection)
        except BaseException:
            connection.terminate()
            raise
        return connection


@asynccontextmanager
async def open_pool(url: str, *, size: int) -> AsyncIterator[Pool]:
    """Open a pool that connects lazily, so that the service starts without Postgres."""
    url, role = split_role(url)
    pool = Pool(
        url,
        min_size=0,
        max_size=size,
        max_queries=50_000,
        loop=None,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        timeout=ACQUIRE_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        max_inactive_connection_lifetime=60,
        init=partial(
            _prepare_connection,
            {
                "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS:g}s",
                "lock_timeout": f"{LOCK_TIMEOUT_SECONDS:g}s",
                "idle_in_transaction_session_timeout": "10000",
                "jit": "off",
            }
            | role,
        ),
        reset=_skip_reset,
        connect=connect_to_primary,
        server_settings=_NAME,
    )
    pool.url = url
    await pool
    _open_pools.add(pool)
    try:
        yield pool
    finally:
        _open_pools.discard(pool)
        try:
            await asyncio.wait_for(pool.close(), timeout=5)
        except (TimeoutError, *_UNAVAILABLE):
            pool.terminate()


@asynccontextmanager
async def acquire(pool: Pool) -> AsyncIterator[PooledConnection]:
    """Acquire a pooled connection. Raises StoreUnavailable after ACQUIRE_TIMEOUT_SECONDS, or at
    once when MAX_WAITING callers wait already."""
    with domain_errors():
        if pool.waiting >= MAX_WAITING:
            raise StoreUnavailable("errors.busy", retry_after_seconds=spread_retry_seconds())
        pool.waiting += 1
        try:
            connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS)
        finally:
            pool.waiting -= 1
        try:
            yield connection
        except (asyncpg.ReadOnlySQLTransactionError, TimeoutError, StoreUnavailable) as error:
            if _may_be_replaced(error, has_others=len(host_names(pool.url)) > 1):
                await pool.leave()
            raise
        finally:
            await pool.release(connection)


def _may_be_replaced(error: BaseException, *, has_others: bool) -> bool:
    """Return whether an error may mean that another server is the primary now: this one is a
    standby or, if the URL names others, it is frozen or waits for a standby that has become the
    primary."""
    signs: tuple[type[BaseException], ...] = (NoPrimary, asyncpg.ReadOnlySQLTransactionError)
    if has_others:
        signs += (NotReplicated, TimeoutError)
    return isinstance(error, signs) or isinstance(error.__cause__, signs)


@asynccontextmanager
async def acquire_confirming(pool: Pool) -> AsyncIterator[PooledConnection]:
    """Acquire a connection whose commits are to be confirmed to somebody. Raises StoreUnavailable
    at the end if one of them is on this server alone, though a standby is configured."""
    async with acquire(pool) as connection:
        with require_replicated(connection):
            yield connection


async def require_durable_server(pool: Pool, *others: Pool) -> None:
    """Check again whether the server keeps its commits and is the primary: a reload can change its
    settings, a failover its role.

    Raises StoreUnavailable, NotDurable or NoPrimary; then the pools give out only connections that
    are opened from now on, which are checked again.
    """
    try:
        async with acquire(pool) as connection:  # a new one is checked as it opens
            await require_durable(connection)
    except NotDurable:
        for expiring in (pool, *others):
            await expiring.expire_connections()
        raise


async def ping(connection: AnyConnection) -> None:
    """Ask Postgres for an answer. Raises StoreUnavailable."""
    with domain_errors():
        await connection.execute("select 1")
