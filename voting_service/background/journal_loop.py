"""Checks the journal's chain: what was added every minute, all of it every hour."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import structlog

from voting_service import metrics
from voting_service.background.loops import Loop
from voting_service.journal.checking import Check, check_newest, check_whole
from voting_service.storage.database_clock import DatabaseClock
from voting_service.storage.postgres import Connection

log = structlog.get_logger(__name__)

WHOLE_EVERY = timedelta(hours=1)


def journal_loop(clock: DatabaseClock) -> Loop:
    """After a fault all of it is checked every minute, until somebody has looked."""
    last: Check | None = None
    wholly_checked_at: datetime | None = None

    async def work(connection: Connection) -> None:
        nonlocal last, wholly_checked_at
        now = await clock(connection)
        due = wholly_checked_at is None or now >= wholly_checked_at + WHOLE_EVERY
        if last is None or last.faults or due:
            last, wholly_checked_at = await check_whole(connection, now), now
        else:
            last = await check_newest(connection, last.head, now)
        metrics.JOURNAL_FAULTS.set(len(last.faults))
        metrics.JOURNAL_CHECKED_AT.set(time.time())
        if last.faults:
            log.error("journal_broken", faults=[str(fault) for fault in last.faults])

    return Loop("journal", 60.0, work)
