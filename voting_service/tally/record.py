"""The public count from Postgres alone: kept aggregates plus what came after them, less what
is held or void by the rulings in force.

Every ballot row carries the transaction that stored it. Below the oldest running transaction
nothing can appear any more, so the aggregates take in [old floor, new floor) and miss nothing
and take nothing twice, whatever order transactions finish in.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from voting_service.errors import Refused
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.tally.counters import Counts

QUERIES = Queries(__package__)


def _counts(*results: Iterable[Any]) -> Counts:
    """Adds up rows of (candidate, votes), where candidate 0 counts ballots."""
    votes: dict[int, int] = {}
    for rows in results:
        for row in rows:
            votes[row["candidate"]] = votes.get(row["candidate"], 0) + row["votes"]
    ballots = votes.pop(0, 0)
    return Counts(ballots, {number: count for number, count in votes.items() if count})


async def checked_floor(connection: AnyConnection, contest_id: int) -> int:
    """How far the kept aggregates reach, for a transaction that is about to read them.

    Raises TallyOfAnotherCluster where the database was restored from a dump (ARCHITECTURE.md).
    """
    with domain_errors():
        floor: int = await connection.fetchval(QUERIES["floor"], contest_id)
    return floor


async def cluster_state(connection: AnyConnection) -> str:
    """`ok`, or `another cluster` where the tally of a contest waits for `tally rebuild`."""
    with domain_errors():
        another: bool = await connection.fetchval(QUERIES["another_cluster"])
    return "another cluster" if another else "ok"


async def advance_floor(connection: AnyConnection, contest_id: int) -> tuple[int, Counts]:
    """Brings the kept aggregates up to date; returns the new floor and the count below it.

    Raises TallyOfAnotherCluster, and Refused when somebody else set the first one at the same
    time.
    """
    with domain_errors():
        async with connection.transaction():
            await connection.execute(QUERIES["lock_floor"], contest_id)
            old = await checked_floor(connection, contest_id)
            new: int = await connection.fetchval(QUERIES["oldest_running"])
            if new > old:
                await connection.execute(QUERIES["keep_increment"], contest_id, old, new)
                moved = await connection.fetchval(QUERIES["move_floor"], contest_id, old, new)
                if moved is None:
                    raise Refused("another process moved the floor at the same time")
            rows = await connection.fetch(QUERIES["kept_counts"], contest_id)
            return new, _counts(rows)


async def count_now(connection: AnyConnection, contest_id: int) -> Counts:
    """The public count this moment, from Postgres alone. Raises TallyOfAnotherCluster."""
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            floor = await checked_floor(connection, contest_id)
            kept = await connection.fetch(QUERIES["kept_counts"], contest_id)
            since = await connection.fetch(QUERIES["counts_since"], contest_id, floor)
            return _counts(kept, since)


async def take_snapshot(connection: AnyConnection, contest_id: int, moment: datetime) -> None:
    """Keeps the count as it stood at `moment`: ballots cast and rulings approved before it.
    Reads every ballot of the contest."""
    with domain_errors():
        counts = _counts(await connection.fetch(QUERIES["counts_at"], contest_id, moment))
        votes = {str(number): count for number, count in counts.votes.items()}
        await connection.execute(
            QUERIES["insert_snapshot"], contest_id, moment, counts.ballots, votes
        )


async def load_snapshot(
    connection: AnyConnection, contest_id: int, moment: datetime
) -> Counts | None:
    """The snapshot taken for `moment`, None until it was taken."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["snapshot"], contest_id, moment)
    if row is None:
        return None
    return Counts(row["ballots"], {int(number): votes for number, votes in row["votes"].items()})


async def latest_snapshot_moment(connection: AnyConnection, contest_id: int) -> datetime | None:
    """The newest moment of which there is a snapshot."""
    with domain_errors():
        moment: datetime | None = await connection.fetchval(
            QUERIES["latest_snapshot_moment"], contest_id
        )
    return moment
