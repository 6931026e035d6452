"""Transactions that run while a test looks whether the ballots are complete."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voting_service.infrastructure.postgres.pool import Connection, connect

FORGET = "update transaction_fence set settled_at = 'epoch', fence_at = 'epoch', fence_xid = '0'"
"""By the tables' owner: nothing is known to have ended."""


@asynccontextmanager
async def running_transaction(url: str) -> AsyncIterator[Connection]:
    """Give a connection inside a transaction that has its id; it commits at the end."""
    connection = await connect(url)
    try:
        async with connection.transaction():
            await connection.fetchval("select pg_current_xact_id()")
            yield connection
    finally:
        await connection.close()
