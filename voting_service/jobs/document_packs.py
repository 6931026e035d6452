"""Deletes document packs that nobody needs any more: they hold personal data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from voting_service.infrastructure.postgres.pool import AnyConnection, Connection
from voting_service.jobs.loop_runner import Loop
from voting_service.nomination.review.document_packs import delete_old_packs

NAME = "document_packs"


def document_packs_loop(now: Callable[[AnyConnection], Awaitable[datetime]]) -> Loop:
    """Return the loop that deletes them every quarter of an hour."""

    async def delete(connection: Connection) -> None:
        await delete_old_packs(connection, await now(connection))

    return Loop(NAME, 900.0, delete)
