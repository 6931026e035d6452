"""Shared by the commands: the event loop, the database connection, the terminal's user."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvloop

from voting_service.infrastructure.postgres.durability import NotDurable
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.timeouts import ACQUIRE_TIMEOUT_SECONDS
from voting_service.settings import Settings

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine and return its result."""
    return uvloop.run(work)


def terminal_user() -> str:
    """Return the name that the audit log shows for a command without sign-in."""
    return f"terminal of user {os.getuid()}"


def require_durable_database(settings: Settings) -> None:
    """Raises NotDurable if the database answers and is configured to lose commits in a crash.

    Call it before a service starts. A database that does not answer is no error here: the service
    then answers 503, and every later connection is checked in the same way.
    """
    run(_require_durable(settings.database_url))


async def _require_durable(url: str) -> None:
    try:
        async with asyncio.timeout(ACQUIRE_TIMEOUT_SECONDS):
            connection = await connect(url)
    except NotDurable:
        raise
    except Exception:  # the service's own tasks meet the same error, log it, and try again
        return
    await connection.close()


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Connection]:
    """Open one connection for a command. Raises StoreUnavailable."""
    connection = await connect(settings.database_url)
    try:
        yield connection
    finally:
        await connection.close()
