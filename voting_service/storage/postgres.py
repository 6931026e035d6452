"""Postgres: pools with timeouts, and the one place where its errors become domain errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from voting_service.errors import InvalidInput, NotDurable, StoreUnavailable
from voting_service.storage.constraint_errors import CONSTRAINT_ERRORS
from voting_service.storage.durability import require_durable

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    PooledConnection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    AnyConnection = Connection | PooledConnection
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = PooledConnection = AnyConnection = Pool = Any

COMMAND_TIMEOUT_SECONDS = 5.0
"""How long a caller waits for one statement before it gives up."""
STATEMENT_TIMEOUT_MS = 4_000
"""Postgres ends a statement itself a second before the caller stops waiting."""
LOCK_TIMEOUT_MS = 2_000
ACQUIRE_TIMEOUT_SECONDS = 2.0
_NOTICE_A_LOST_CLIENT = {
    "application_name": "voting-service",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""A machine that vanishes says no farewell; its session, and the lease the session holds, would
last for two hours more."""

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
    """Turns what Postgres raises inside the block into domain errors.

    Raises StoreUnavailable when the outcome of the block is unknown, or the domain error of
    the constraint that was broken; anything else passes through as the bug it is.
    """
    try:
        yield
    except _UNAVAILABLE as error:
        raise StoreUnavailable(
            f"the record store did not answer ({type(error).__name__})"
        ) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        known = CONSTRAINT_ERRORS.get(error.constraint_name or "")
        if known is None:
            raise
        if isinstance(known, InvalidInput):
            raise type(known)(*known.faults) from error
        raise type(known)(*known.args, zh=known.zh) from error


def _decode_json(text: str) -> Any:
    return msgspec.json.decode(text)


def _encode_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _prepare_connection(connection: Any) -> None:
    """Raises NotDurable, so that nobody gets a connection to a server that loses votes."""
    await require_durable(connection)
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_json, decoder=_decode_json
    )


async def _keep_session(_connection: Any) -> None:
    """Nothing to reset: no statement here leaves session state behind, and the usual reset
    would cost every batch of votes one more round trip."""


async def connect(url: str) -> Connection:
    """One connection outside any pool, for commands and for advisory-lock leases.

    Raises StoreUnavailable, and NotDurable for a server that is set to lose commits.
    """
    with domain_errors():
        connection = await asyncpg.connect(
            url,
            timeout=ACQUIRE_TIMEOUT_SECONDS * 5,
            command_timeout=None,
            server_settings=_NOTICE_A_LOST_CLIENT,
        )
        try:
            await _prepare_connection(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection


@asynccontextmanager
async def open_pool(url: str, *, size: int) -> AsyncIterator[Pool]:
    """A pool that opens lazily, so that the service starts, and answers 503, without Postgres."""
    pool = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=ACQUIRE_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        max_inactive_connection_lifetime=60,
        init=_prepare_connection,
        reset=_keep_session,
        server_settings={
            "application_name": "voting-service",
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "lock_timeout": str(LOCK_TIMEOUT_MS),
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
    """A pooled connection; waits at most `ACQUIRE_TIMEOUT_SECONDS`, else StoreUnavailable."""
    with domain_errors():
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
            yield connection


async def require_durable_server(pool: Pool, *others: Pool) -> None:
    """Ask the server again whether it keeps what it commits: a reload can change that under open
    connections. Raises StoreUnavailable, and NotDurable, after which no pool hands out a
    connection until the server is set right."""
    async with acquire(pool) as connection:
        try:
            await require_durable(connection)
        except NotDurable:
            for each in (pool, *others):
                await each.expire_connections()
            raise
