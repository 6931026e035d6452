"""Shared by the commands: the event loop, the database connection, the terminal's user."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvloop

from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.settings import Settings

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine and return its result."""
    return uvloop.run(work)


def terminal_user() -> str:
    """Return the name that the audit log shows for a command without sign-in."""
    return f"terminal of user {os.getuid()}"


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Connection]:
    """Open one connection for a command. Raises StoreUnavailable."""
    connection = await connect(settings.database_url)
    try:
        yield connection
    finally:
        await connection.close()
