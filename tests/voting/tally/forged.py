"""Ballots put straight into the record, and a slow, obvious count of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.voting.ballots.commit import new_ballot_ids
from voting_service.voting.tally.counters import Counts, Floor

NOW = "select pg_current_xact_id()"


async def insert_ballot(
    connection: AnyConnection,
    contest_id: int,
    choices: Sequence[int],
    *,
    held: bool = False,
    cast_at: datetime | None = None,
    xids_ahead: int = 0,
) -> int:
    """Stores one; returns the transaction that did. Only the owner can make it name one that is
    `xids_ahead`, as if it came from another cluster."""
    moment = cast_at or datetime.now(UTC)
    xid: int = await connection.fetchval(
        "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
        f" ballot_id, voter, choices{', commit_xid' * (xids_ahead != 0)})"
        f" values ($1, 1, $2, true, $3, $4, $5, $6, $7{', $8' * (xids_ahead != 0)})"
        " returning commit_xid",
        contest_id,
        int(held),
        moment.date(),
        moment,
        new_ballot_ids(1, moment)[0],
        os.urandom(16),
        list(choices),
        *([await connection.fetchval(NOW) + xids_ahead] if xids_ahead else []),
    )
    return xid


async def count_by_hand(
    connection: AnyConnection, contest_id: int, *, below: Floor | None = None
) -> Counts:
    """Every counted ballot that is visible now, or that the floor `below` covers."""
    rows = await connection.fetch(
        "select choices, commit_xid from ballots where contest_id = $1 and disposition = 0",
        contest_id,
    )
    counted = [row["choices"] for row in rows if below is None or below.covers(row["commit_xid"])]
    return Counts(len(counted), dict(Counter(n for choices in counted for n in choices)))
