"""The public count from Postgres alone: stored aggregates plus the ballots since, minus what is
held or void by the rulings in force.

Every ballot row has the id of the transaction that stored it. A floor is a snapshot of the running
transactions: no ballot of a transaction that it covers can appear any more. So the aggregates add
the ballots that the new floor covers and the old one did not exactly once, whatever order
transactions finish in, and however long one of them runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from voting_service.errors import Refused
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.tally.constraints import CONSTRAINTS
from voting_service.voting.tally.counters import Counts, Floor
from voting_service.voting.tally.trend import SnapshotCounts

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)


def _counts(*results: Iterable[Any]) -> Counts:
    """Sum rows of (candidate, votes), where candidate 0 counts ballots."""
    votes: dict[int, int] = {}
    for rows in results:
        for row in rows:
            votes[row["candidate"]] = votes.get(row["candidate"], 0) + row["votes"]
    ballots = votes.pop(0, 0)
    return Counts(ballots, {number: count for number, count in votes.items() if count})


async def checked_floor(connection: AnyConnection, contest_id: int) -> Floor:
    """Return the floor of the stored aggregates, for a transaction that is about to read them.

    Raises TallyOfAnotherCluster where the database was restored from a dump (ARCHITECTURE.md).
    """
    with domain_errors():
        row = await connection.fetchrow(QUERIES["floor"], contest_id)
    assert row is not None
    return Floor(row["floor"], tuple(row["running"]), cluster=row["cluster"])


async def cluster_state(connection: AnyConnection) -> str:
    """Return `ok`, or `another cluster` if the tally of a contest has not been taken over."""
    with domain_errors():
        another: bool = await connection.fetchval(QUERIES["another_cluster"])
    return "another cluster" if another else "ok"


async def advance_floor(connection: AnyConnection, contest_id: int) -> tuple[Floor, Counts]:
    """Bring the stored aggregates up to date; return the new floor and the count that it covers.

    Raises TallyOfAnotherCluster, and Refused when another process set the first floor at the same
    time.
    """
    with domain_errors():
        async with connection.transaction():
            await connection.execute(QUERIES["lock_floor"], contest_id)
            old = await checked_floor(connection, contest_id)
            row = await connection.fetchrow(QUERIES["new_floor"])
            assert row is not None
            new = (row["floor"], tuple(row["running"]))
            if new != (old.xid, old.running):
                await connection.execute(
                    QUERIES["keep_increment"], contest_id, old.xid, old.running, *new
                )
                moved = await connection.fetchval(QUERIES["move_floor"], contest_id, old.xid, *new)
                if moved is None:
                    raise Refused("voting.tally.floor_moved")
            rows = await connection.fetch(QUERIES["kept_counts"], contest_id)
            ballots = await connection.fetchval(QUERIES["kept_ballots"], contest_id)
    return Floor(*new, old.xid, old.cluster, ballots), _counts(rows)


async def count_now(connection: AnyConnection, contest_id: int) -> Counts:
    """Return the current public count from Postgres alone. Raises TallyOfAnotherCluster."""
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            floor = await checked_floor(connection, contest_id)
            kept = await connection.fetch(QUERIES["kept_counts"], contest_id)
            since = await connection.fetch(
                QUERIES["counts_since"], contest_id, floor.xid, floor.running
            )
            return _counts(kept, since)


async def counts_before_each(
    connection: AnyConnection, contest_id: int, hours: Sequence[datetime]
) -> tuple[SnapshotCounts, ...]:
    """Return the public count as of each of the full hours, ascending, from the stored aggregates
    alone; ballots that are not in them yet are missing."""
    with domain_errors():
        await checked_floor(connection, contest_id)
        rows = await connection.fetch(QUERIES["kept_counts_between"], contest_id, list(hours))
    return tuple(
        SnapshotCounts(hour, *_counts(row for row in rows if row["passed"] <= passed))
        for passed, hour in enumerate(hours)
    )


async def take_snapshot(connection: AnyConnection, contest_id: int, moment: datetime) -> None:
    """Store the count as of `moment`: ballots cast and rulings approved before it. Reads every
    ballot of the contest."""
    with domain_errors():
        counts = _counts(await connection.fetch(QUERIES["counts_at"], contest_id, moment))
        votes = {str(number): count for number, count in counts.votes.items()}
        await connection.execute(
            QUERIES["insert_snapshot"], contest_id, moment, counts.ballots, votes
        )


async def load_snapshot(
    connection: AnyConnection, contest_id: int, moment: datetime
) -> Counts | None:
    """Load the snapshot of `moment`; None until it is taken."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["snapshot"], contest_id, moment)
    if row is None:
        return None
    return Counts(row["ballots"], {int(number): votes for number, votes in row["votes"].items()})


async def load_snapshots(
    connection: AnyConnection, contest_id: int, moments: Sequence[datetime]
) -> tuple[SnapshotCounts, ...]:
    """Load the snapshots of those of the moments that have one, ascending."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["snapshots"], contest_id, list(moments))
    return tuple(
        SnapshotCounts(
            row["as_of"],
            row["ballots"],
            {int(number): votes for number, votes in row["votes"].items()},
        )
        for row in rows
    )


async def latest_snapshot_moment(connection: AnyConnection, contest_id: int) -> datetime | None:
    """Load the newest moment of which there is a snapshot."""
    with domain_errors():
        moment: datetime | None = await connection.fetchval(
            QUERIES["latest_snapshot_moment"], contest_id
        )
    return moment


async def count_ballots_by_platform(
    connection: AnyConnection, contest_id: int, since: datetime
) -> dict[int, int]:
    """Return the ballots cast since a full hour, by the platform's id."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["ballots_by_platform"], contest_id, since)
    return {row["platform_id"]: row["ballots"] for row in rows}
