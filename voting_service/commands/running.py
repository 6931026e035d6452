"""What every command needs: an event loop, the settings, a connection."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvloop

from voting_service.settings import Settings
from voting_service.storage.postgres import Connection, connect

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's coroutine to its end."""
    return uvloop.run(work)


def terminal_user() -> str:
    """Who stands in the journal for a command that asks nobody's name."""
    return f"terminal of user {os.getuid()}"


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Connection]:
    """One connection for the length of a command. Raises StoreUnavailable."""
    connection = await connect(settings.database_url)
    try:
        yield connection
    finally:
        await connection.close()
