"""What the record has lost when the database was set back to a backup.

Valkey knows how many ballots were confirmed and until when, unless it was emptied in between: the
counters find that the record has fewer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.tally.counters import SuspectedLoss
from voting_service.voting.tally.live_figures import first_ballot_id

QUERIES = Queries(__package__, "losses.sql")


class Loss(NamedTuple):
    """Ballots that were confirmed, most of them until a moment, and are not in the record, whose
    newest ballot was then of `newest_at`."""

    confirmed_until: datetime
    ballots: int
    newest_at: datetime | None
    noticed_at: datetime | None = None


async def record_loss(
    connection: AnyConnection, contest_id: int, confirmed: SuspectedLoss
) -> Loss | None:
    """Count and store how many confirmed ballots the record has lost, at least: votes since the
    restore may hide some of those that were confirmed in the last second before it. Reads every
    ballot of the contest. Return None for a loss that was stored before."""
    until = confirmed.until + timedelta(seconds=MAX_OFFSET_SECONDS)
    with domain_errors():
        row = await connection.fetchrow(QUERIES["record_until"], contest_id, first_ballot_id(until))
        assert row is not None
        missing = confirmed.ballots - row["ballots"]
        lost = max(0, missing, missing + confirmed.since - row["later"])
        loss = Loss(confirmed.until, lost, row["newest_at"])
        if lost and not await connection.fetchval(QUERIES["insert_loss"], contest_id, *loss[:3]):
            return None
    return loss


async def load_losses(connection: AnyConnection, contest_id: int) -> list[Loss]:
    """Load what the record of a contest has lost, newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["losses"], contest_id)
    return [Loss(**row) for row in rows]
