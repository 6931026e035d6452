"""The audit: recount all ballots and compare the stored tally with them, to the last vote."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, TypeAlias

import msgspec

from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.completeness import Completeness, load_completeness
from voting_service.voting.tally import recount
from voting_service.voting.tally.recount import RECOUNT_TIMEOUT_SECONDS, Count
from voting_service.voting.tally.repository import checked_floor

QUERIES = Queries(__package__, "recount_audit.sql")

EVERY = timedelta(hours=1)
"""How often the tally is audited while voting is open; each audit reads every ballot."""

Cells: TypeAlias = Mapping[tuple[datetime, int, int], Count]


class Audit(msgspec.Struct, frozen=True):
    """An audit of the ballots stored at `audited_at`, which are complete before `complete_before`.

    `difference` is the sum of the absolute
    differences of all figures by hour, platform and candidate."""

    audited_at: datetime
    complete_before: datetime
    ballots: int
    difference: int
    seconds: float

    def is_final(self, contest: Contest, last_ruled_at: datetime | None) -> bool:
        """Return whether it covers every ballot of the contest and every ruling."""
        return self.complete_before >= contest.closes_at and (
            last_ruled_at is None or self.audited_at >= last_ruled_at
        )


def audit_due(
    contest: Contest,
    last: Audit | None,
    last_ruled_at: datetime | None,
    completeness: Completeness,
) -> bool:
    """Return whether an audit is due: hourly while ballots may come, once when they are complete,
    and once after each ruling."""
    now, complete_before = completeness
    if now < contest.opens_at:
        return False
    if last is None:
        return True
    if complete_before < contest.closes_at:
        return now - last.audited_at >= EVERY
    return not last.is_final(contest, last_ruled_at)


def difference(kept: Cells, counted: Cells) -> int:
    """Return the sum of the absolute differences of all cells."""
    total = 0
    for cell in kept.keys() | counted.keys():
        ours, theirs = kept.get(cell, Count()), counted.get(cell, Count())
        total += sum(abs(left - right) for left, right in zip(ours, theirs, strict=True))
    return total


def _cells(rows: list[Any]) -> Cells:
    return {
        (row["hour"], row["platform_id"], row["candidate"]): Count(
            row["gross"], row["held"], row["void"]
        )
        for row in rows
    }


async def audit(connection: AnyConnection, contest: Contest) -> Audit:
    """Compare and store the result. Takes as long as a recount: use a connection of its own,
    outside a transaction. Raises Refused and StoreUnavailable."""
    started = perf_counter()
    _, complete_before = await load_completeness(connection)
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            limit = f"{RECOUNT_TIMEOUT_SECONDS}s"
            await connection.execute(recount.QUERIES["recount_limits"], limit)
            moment: datetime = await connection.fetchval(recount.QUERIES["snapshot_time"])
            await checked_floor(connection, contest.id)
            kept = await connection.fetch(QUERIES["kept_cells"], contest.id)
            counted = await connection.fetch(recount.QUERIES["recount"], contest.id, "UTC")
        off_by = await asyncio.to_thread(lambda: difference(_cells(kept), _cells(counted)))
        ballots = sum(row["gross"] for row in counted if row["candidate"] == recount.BALLOTS)
        done = Audit(moment, complete_before, ballots, off_by, perf_counter() - started)
        await connection.execute(
            QUERIES["insert_audit"],
            contest.id,
            done.audited_at,
            done.complete_before,
            done.ballots,
            done.difference,
            done.seconds,
        )
    return done


async def load_audit(connection: AnyConnection, contest_id: int) -> Audit | None:
    """Load the newest audit; None before the first."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["latest_audit"], contest_id)
    return Audit(**row) if row else None


async def last_ruled_at(connection: AnyConnection, contest_id: int) -> datetime | None:
    """Load when the newest ruling of a contest was approved."""
    with domain_errors():
        moment: datetime | None = await connection.fetchval(
            recount.QUERIES["last_ruled_at"], contest_id
        )
    return moment
