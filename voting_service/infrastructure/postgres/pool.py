"""Postgres connections and pools with timeouts, and its errors as domain errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.postgres.constraint_errors import find_constraint_error
from voting_service.infrastructure.postgres.durability import NotDurable, require_durable
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
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = PooledConnection = AnyConnection = Pool = Any

_LOST_CLIENT_DETECTION = {
    "application_name": "voting-service",
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
)


@contextmanager
def domain_errors() -> Iterator[None]:
    """Translate errors of Postgres inside the block into domain errors.

    Raises StoreUnavailable if the outcome of the block is unknown, or the registered error of a
    broken constraint. Other errors are bugs and pass through.
    """
    try:
        yield
    except _UNAVAILABLE as error:
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


async def _prepare_connection(connection: Any) -> None:
    """Prepare a new connection. Raises NotDurable for a server that loses commits."""
    await require_durable(connection)
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_json, decoder=_decode_json
    )


async def _skip_reset(_connection: Any) -> None:
    """Reset nothing: no statement changes session state, and a reset costs a round trip."""


async def connect(url: str) -> Connection:
    """Open a connection outside any pool, for commands and advisory-lock leases.

    Raises StoreUnavailable, or NotDurable for a server that loses commits.
    """
    with domain_errors():
        connection = await asyncpg.connect(
            url,
            timeout=ACQUIRE_TIMEOUT_SECONDS * 5,
            command_timeout=None,
            server_settings=_LOST_CLIENT_DETECTION,
        )
        try:
            await _prepare_connection(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection


@asynccontextmanager
async def open_pool(url: str, *, size: int) -> AsyncIterator[Pool]:
    """Open a pool that connects lazily, so that the service starts without Postgres."""
    pool = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=ACQUIRE_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        max_inactive_connection_lifetime=60,
        init=_prepare_connection,
        reset=_skip_reset,
        server_settings={
            "application_name": "voting-service",
            "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS:g}s",
            "lock_timeout": f"{LOCK_TIMEOUT_SECONDS:g}s",
            "idle_in_transaction_session_timeout": "10000",
            "jit": "off",
        },
    )
    await pool
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), timeout=5)
        except (TimeoutError, *_UNAVAILABLE):
            pool.terminate()


@asynccontextmanager
async def acquire(pool: Pool) -> AsyncIterator[PooledConnection]:
    """Acquire a pooled connection. Raises StoreUnavailable after ACQUIRE_TIMEOUT_SECONDS."""
    with domain_errors():
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
            yield connection


async def require_durable_server(pool: Pool, *others: Pool) -> None:
    """Check again whether the server keeps its commits: a reload can change its settings.

    Raises StoreUnavailable, or NotDurable; then the pools give out no connection until the server
    is configured correctly.
    """
    async with acquire(pool) as connection:
        try:
            await require_durable(connection)
        except NotDurable:
            for expiring in (pool, *others):
                await expiring.expire_connections()
            raise


async def ping(connection: AnyConnection) -> None:
    """Ask Postgres for an answer. Raises StoreUnavailable."""
    with domain_errors():
        await connection.execute("select 1")
