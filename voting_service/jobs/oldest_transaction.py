"""Measures how long the oldest transaction of the cluster runs, and names who holds it open."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import structlog

from voting_service.infrastructure import metrics
from voting_service.infrastructure.postgres.oldest_transaction import (
    find_holder,
    oldest_transaction,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.loop_runner import Loop

NAME = "oldest_transaction"
LIMIT_SECONDS = 60.0
"""An older transaction is logged as an error, and again each time as much has passed."""

log = structlog.get_logger(__name__)


def oldest_transaction_loop(monotonic: Callable[[], float] = time.monotonic) -> Loop:
    """Return the loop that sets `voting_oldest_transaction_seconds`."""
    oldest: int | None = None
    since = logged_at = monotonic()

    async def measure(connection: Connection) -> None:
        nonlocal oldest, since, logged_at
        xid, now = await oldest_transaction(connection), monotonic()
        if xid is None or xid != oldest:
            oldest, since, logged_at = xid, now, now
        metrics.OLDEST_TRANSACTION.set(now - since)
        if now - logged_at >= LIMIT_SECONDS and xid is not None:
            logged_at = now
            await _name_holder(connection, xid, now - since)

    return Loop(NAME, 5.0, measure)


async def _name_holder(connection: Connection, xid: int, seconds: float) -> None:
    holder = await find_holder(connection, xid)
    if holder is None:
        return
    named = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in holder._asdict().items()
        if value is not None
    }
    log.error(
        "transaction_too_old",
        seconds=round(seconds),
        **named,
        effect="what waits until nothing older can appear any more does not go on",
        remedy="end it: pg_terminate_backend(pid), or rollback prepared",
    )
