"""Checks the hash chain of the audit log: new entries every minute, all of them every hour."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import structlog

from voting_service.infrastructure.postgres.database_clock import DatabaseClock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.loop_runner import Loop
from voting_service.staff.audit_log import metrics
from voting_service.staff.audit_log.verification import (
    ChainCheck,
    check_newest,
    check_whole,
)

NAME = "audit_log_check"

log = structlog.get_logger(__name__)

CHECK_ALL_EVERY = timedelta(hours=1)


def audit_log_check_loop(clock: DatabaseClock) -> Loop:
    """Return the loop that checks the audit log; while it has a fault, all of it every minute."""
    last: ChainCheck | None = None
    all_checked_at: datetime | None = None

    async def check(connection: Connection) -> None:
        nonlocal last, all_checked_at
        now = await clock(connection)
        due = all_checked_at is None or now >= all_checked_at + CHECK_ALL_EVERY
        if last is None or last.faults or due:
            last, all_checked_at = await check_whole(connection, now), now
        else:
            last = await check_newest(connection, last.head, now)
        metrics.AUDIT_LOG_FAULTS.set(len(last.faults))
        metrics.AUDIT_LOG_CHECKED_AT.set(time.time())
        if last.faults:
            log.error("audit_log_broken", faults=[str(fault) for fault in last.faults])

    return Loop(NAME, 60.0, check)
