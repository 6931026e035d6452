"""Makes the kept tally of a contest again, from its ballots alone, for the cluster they are in.

Needed once after a dump was restored into another PostgreSQL cluster, or after pg_upgrade. Votes
may go on while it runs (ARCHITECTURE.md, "Counting by transaction").
"""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter
from typing import NamedTuple

from voting_service.contests.model import Contest
from voting_service.errors import Refused, StoreUnavailable
from voting_service.journal.record import record
from voting_service.storage.postgres import Connection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.storage.valkey import Valkey
from voting_service.tally.counters import forget_counts
from voting_service.tally.record import advance_floor

QUERIES = Queries(__package__, "rebuild.sql")

SLICE = 5_000
"""Ballots changed in one transaction: a retry of one of these votes waits for its end."""


class Rebuilt(NamedTuple):
    """What a rebuild did: `ballots` are in the kept tally now, of which `renumbered` named
    transactions that this cluster has yet to begin."""

    ballots: int
    renumbered: int
    seconds: float


async def require_owner(owner: Connection) -> None:
    """Raises Refused when the connection is not that of the tables' owner."""
    with domain_errors():
        if not await owner.fetchval(QUERIES["may_rebuild"]):
            raise Refused(
                "only the owner of the tables can rebuild a tally: set "
                "VOTING_OWNER_DATABASE_URL, as for `voting-service migrate`"
            )


async def rebuild(owner: Connection, valkey: Valkey, contest: Contest, actor: str) -> Rebuilt:
    """Rebuilds the tally over a connection of the tables' owner, outside a transaction, and
    writes that to the journal. Takes seconds for millions of ballots, minutes when they come from
    another cluster; a second run after a failure begins again.

    Raises Refused for another role, and StoreUnavailable when Postgres does not answer. The live
    counters are emptied if Valkey answers, and set again by the reconciler.
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
    """Gives up the transactions that ballots name and this cluster has yet to begin, so that no
    later one is taken for theirs; returns of how many ballots.

    One pass is enough. A ballot that it leaves alone names a transaction that has begun here, and
    what is stored meanwhile names one as well.
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
    # Without Valkey nobody reads them, and the reconciler sets them when it is back.
    with suppress(StoreUnavailable):
        await forget_counts(valkey, contest_id)
