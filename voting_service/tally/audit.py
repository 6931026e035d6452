"""The audit: all ballots recounted, and the kept tally compared with them to the last vote."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, TypeAlias

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.phases import DRAIN_SECONDS
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.tally import recount
from voting_service.tally.record import checked_floor
from voting_service.tally.recount import RECOUNT_TIMEOUT_SECONDS, Count

QUERIES = Queries(__package__, "audit.sql")

EVERY = timedelta(hours=1)
"""How long a comparison is good for while votes come in; one reads every ballot."""

Cells: TypeAlias = Mapping[tuple[datetime, int, int], Count]


class Audit(msgspec.Struct, frozen=True):
    """One comparison, of the ballots there were at `audited_at`; `difference` adds up by how many
    votes each figure of each hour, platform and candidate was off."""

    audited_at: datetime
    ballots: int
    difference: int
    seconds: float


def audit_due(
    contest: Contest, last: Audit | None, last_ruled_at: datetime | None, now: datetime
) -> bool:
    """While votes come in every now and then; after the drain once, and once after each ruling."""
    if now < contest.opens_at:
        return False
    if last is None:
        return True
    drained_at = contest.closes_at + timedelta(seconds=DRAIN_SECONDS)
    if now < drained_at:
        return now - last.audited_at >= EVERY
    return last.audited_at < max(drained_at, last_ruled_at or drained_at)


def difference(kept: Cells, counted: Cells) -> int:
    """By how many votes the figures of all cells differ."""
    total = 0
    for cell in kept.keys() | counted.keys():
        ours, theirs = kept.get(cell, Count()), counted.get(cell, Count())
        total += sum(abs(one - other) for one, other in zip(ours, theirs, strict=True))
    return total


def _cells(rows: list[Any]) -> Cells:
    return {
        (row["hour"], row["platform_id"], row["candidate"]): Count(
            row["gross"], row["held"], row["void"]
        )
        for row in rows
    }


async def audit(connection: AnyConnection, contest: Contest) -> Audit:
    """Compares and keeps the result. Takes seconds for millions, as a recount does: use a
    connection of its own, outside a transaction. Raises Refused and StoreUnavailable."""
    started = perf_counter()
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            limit = f"{RECOUNT_TIMEOUT_SECONDS}s"
            await connection.execute(recount.QUERIES["recount_limits"], limit)
            moment: datetime = await connection.fetchval(recount.QUERIES["snapshot_time"])
            await checked_floor(connection, contest.id)
            kept = await connection.fetch(QUERIES["kept_cells"], contest.id)
            counted = await connection.fetch(recount.QUERIES["recount"], contest.id, "UTC")
        found = await asyncio.to_thread(lambda: difference(_cells(kept), _cells(counted)))
        ballots = sum(row["gross"] for row in counted if row["candidate"] == recount.BALLOTS)
        done = Audit(moment, ballots, found, perf_counter() - started)
        await connection.execute(
            QUERIES["insert_audit"],
            contest.id,
            done.audited_at,
            done.ballots,
            done.difference,
            done.seconds,
        )
    return done


async def load_audit(connection: AnyConnection, contest_id: int) -> Audit | None:
    """The newest comparison; None before the first."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["latest_audit"], contest_id)
    return Audit(**row) if row else None


async def last_ruled_at(connection: AnyConnection, contest_id: int) -> datetime | None:
    """When the newest ruling of a contest was approved."""
    with domain_errors():
        moment: datetime | None = await connection.fetchval(
            recount.QUERIES["last_ruled_at"], contest_id
        )
    return moment
