"""Deletes document packs a day after they were made: they hold personal data."""

from __future__ import annotations

from voting_service.infrastructure.postgres.database_clock import DatabaseClock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.loop_runner import Loop
from voting_service.nomination.review.document_packs import delete_old_packs

NAME = "document_packs"


def document_packs_loop(clock: DatabaseClock) -> Loop:
    """Return the loop that deletes them every quarter of an hour."""

    async def delete(connection: Connection) -> None:
        await delete_old_packs(connection, await clock(connection))

    return Loop(NAME, 900.0, delete)
