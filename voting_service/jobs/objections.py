"""Erases online objections and the hashes of their senders once they are kept no longer."""

from __future__ import annotations

import structlog

from voting_service.contests.objections.repository import erase_objections
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.loop_runner import Loop

NAME = "objections"

log = structlog.get_logger(__name__)


def objections_loop() -> Loop:
    """Return the loop that erases them every hour."""

    async def erase(connection: Connection) -> None:
        erased = await erase_objections(connection)
        if erased:
            log.info("objections_erased", count=erased)

    return Loop(NAME, 3600.0, erase)
