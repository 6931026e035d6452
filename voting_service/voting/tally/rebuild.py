"""Rebuild the stored tally of a contest from its ballots, for the cluster they are in.

Needed once after restoring a dump into another PostgreSQL cluster, or after pg_upgrade. Voting may
continue while it runs (ARCHITECTURE.md, "Counting by transaction").
"""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter
from typing import NamedTuple

from voting_service.contests.model import Contest
from voting_service.errors import Refused, StoreUnavailable
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection, domain_errors
from voting_service.infrastructure.valkey import Valkey
from voting_service.staff.audit_log.record import record
from voting_service.voting.tally.counters import forget_counts
from voting_service.voting.tally.repository import advance_floor

QUERIES = Queries(__package__, "rebuild.sql")

SLICE = 5_000
"""Ballots changed per transaction: a retry of one of these votes waits until it ends."""


class Rebuilt(NamedTuple):
    """The result of a rebuild: `ballots` in the stored tally, of which `renumbered` referred to
    transactions that this cluster has not begun yet."""

    ballots: int
    renumbered: int
    seconds: float


async def require_owner(owner: Connection) -> None:
    """Check that the connection is that of the owner of the tables. Raises Refused."""
    with domain_errors():
        if not await owner.fetchval(QUERIES["may_rebuild"]):
            raise Refused("voting.tally.owner_only")


async def rebuild(owner: Connection, valkey: Valkey, contest: Contest, actor: str) -> Rebuilt:
    """Rebuild the tally and record it in the audit log.

    Needs a connection of the owner of the tables, outside a transaction. Takes seconds for millions
    of ballots, minutes when they come from another cluster; after a failure, run it again. The live
    counters are emptied if Valkey answers, and set by the reconciler. Raises Refused for another
    role, and StoreUnavailable.
    """
    started = perf_counter()
    await require_owner(owner)
    with domain_errors():
        renumbered = await _forget_transactions(owner, contest.id)
        async with owner.transaction():
            await owner.execute(QUERIES["take_floor"], contest.id)
            await owner.execute(QUERIES["empty_tally"], contest.id)
            # What the counters hold above the floor names transactions of the other cluster.
            await _empty_counters(valkey, contest.id)
            await advance_floor(owner, contest.id)
            ballots: int = await owner.fetchval(QUERIES["kept_ballots"], contest.id)
            details = {"ballots": ballots, "renumbered": renumbered}
            await record(owner, actor, "tally_rebuilt", contest=contest.slug, details=details)
    return Rebuilt(ballots, renumbered, perf_counter() - started)


async def _forget_transactions(owner: Connection, contest_id: int) -> int:
    """Clear transaction ids that this cluster has not begun yet, so that no later transaction is
    mistaken for them; return the number of ballots changed.

    One pass is enough: every other ballot, including those stored during the pass, refers to a
    transaction that has begun in this cluster.
    """
    next_transaction: int = await owner.fetchval(QUERIES["next_transaction"])
    after, ballots = next_transaction - 1, 0
    while True:
        end: int | None = await owner.fetchval(QUERIES["end_of_slice"], contest_id, after, SLICE)
        status = await owner.execute(QUERIES["forget_transactions"], contest_id, after, end)
        ballots += int(status.rpartition(" ")[2])
        if end is None:
            return ballots
        after = end


async def _empty_counters(valkey: Valkey, contest_id: int) -> None:
    # While Valkey is unavailable nothing reads them, and the reconciler sets them afterwards.
    with suppress(StoreUnavailable):
        await forget_counts(valkey, contest_id)
