"""What every command needs: an event loop, the settings, a connection."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvloop

from voting_service.errors import NotDurable
from voting_service.settings import Settings
from voting_service.storage.postgres import ACQUIRE_TIMEOUT_SECONDS, Connection, connect

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's coroutine to its end."""
    return uvloop.run(work)


def terminal_user() -> str:
    """Who stands in the journal for a command that asks nobody's name."""
    return f"terminal of user {os.getuid()}"


def require_durable_database(settings: Settings) -> None:
    """Before a service starts. Raises NotDurable when the database answers and is set to lose what
    it confirms. One that does not answer is no reason not to start: the service then says 503,
    and why, and every later connection is checked the same."""
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
    """One connection for the length of a command. Raises StoreUnavailable."""
    connection = await connect(settings.database_url)
    try:
        yield connection
    finally:
        await connection.close()
