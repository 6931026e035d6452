"""Rebuild the stored tally of a contest from its ballots, for the cluster they are in.

The reconciler does it after a dump was restored into another PostgreSQL cluster, or after
pg_upgrade; a command does it when an audit finds a difference. Voting may continue while it runs
(ARCHITECTURE.md, "Counting by transaction").
"""

from __future__ import annotations

from time import perf_counter
from typing import NamedTuple

from voting_service.contests.model import Contest
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection, domain_errors
from voting_service.staff.audit_log.record import record
from voting_service.voting.tally.counters import Counts, Floor
from voting_service.voting.tally.repository import advance_floor

QUERIES = Queries(__package__, "rebuild.sql")

SLICE = 5_000
"""Ballots changed per transaction: a retry of one of these votes waits until it ends."""


class Rebuilt(NamedTuple):
    """The result of a rebuild: the new floor and the count that it covers. `renumbered` ballots
    referred to transactions that this cluster has not finished."""

    floor: Floor
    totals: Counts
    renumbered: int
    seconds: float

    @property
    def ballots(self) -> int:
        """The number of ballots in the stored tally."""
        return self.floor.ballots


async def require_owner(owner: Connection) -> None:
    """Check that the connection is that of the owner of the tables. Raises Refused."""
    with domain_errors():
        if not await owner.fetchval(QUERIES["may_rebuild"]):
            raise Refused("voting.tally.owner_only")


async def rebuild(
    connection: Connection, contest: Contest, actor: str, *, of_this_cluster: bool = False
) -> Rebuilt:
    """Rebuild the tally of another cluster and record it in the audit log.

    The owner may also rebuild one `of_this_cluster`. Needs a connection outside a transaction.
    Takes seconds for millions of ballots, minutes when
    they come from another cluster; after a failure, run it again. The reconciler sets the live
    counters. Raises Refused for a tally of this cluster, and StoreUnavailable.
    """
    started = perf_counter()
    with domain_errors():
        renumbered = await _forget_transactions(connection, contest.id)
        async with connection.transaction():
            if of_this_cluster:
                await connection.execute(QUERIES["disown"], contest.id)
            await connection.execute(QUERIES["take_over"], contest.id)
            floor, totals = await advance_floor(connection, contest.id)
            details = {"ballots": floor.ballots, "renumbered": renumbered}
            await record(connection, actor, "tally_rebuilt", contest=contest.slug, details=details)
    return Rebuilt(floor, totals, renumbered, perf_counter() - started)


async def _forget_transactions(connection: Connection, contest_id: int) -> int:
    """Clear transaction ids that this cluster has not finished, so that no other transaction is
    mistaken for them; return the number of ballots changed.

    One pass is enough: every other ballot, including those stored during the pass, refers to a
    transaction that has ended in this cluster.
    """
    oldest_unfinished: int = await connection.fetchval(QUERIES["oldest_unfinished"])
    after, ballots = oldest_unfinished - 1, 0
    while True:
        end: int | None = await connection.fetchval(
            QUERIES["end_of_slice"], contest_id, after, SLICE
        )
        done: int = await connection.fetchval(
            QUERIES["forget_transactions"], contest_id, after, end
        )
        ballots += done
        if end is None:
            return ballots
        after = end
