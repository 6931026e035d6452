"""Read the audit log: along the chain, or by a search, newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import msgspec

from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.audit_log.model import Entry
from voting_service.staff.audit_log.record import QUERIES

BATCH = 2000
PAGE = 100
_NEWEST = 2**63 - 1
_PATTERN_SIGNS = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class Filters(msgspec.Struct, frozen=True):
    """The filters of a search; None matches everything. `words` are searched in subject and
    details, ignoring case; `until` is exclusive."""

    actor: str | None = None
    act: str | None = None
    contest: str | None = None
    words: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def to_entry(row: asyncpg.Record) -> Entry:
    """Return the entry of a row that has its columns."""
    return Entry(
        row["entry"],
        row["at"],
        row["actor"],
        row["act"],
        row["contest"],
        row["subject"],
        row["details"],
        row["previous_hash"],
        row["hash"],
    )


async def entries_after(
    connection: AnyConnection, entry: int = 0, *, batch: int = BATCH
) -> AsyncIterator[list[Entry]]:
    """Yield the chain after an entry, in batches, each a short statement: entries become visible in
    order, so none is missed."""
    while True:
        with domain_errors():
            rows = await connection.fetch(QUERIES["entries_after"], entry, batch)
        if not rows:
            return
        yield [to_entry(row) for row in rows]
        entry = rows[-1]["entry"]


async def search(
    connection: AnyConnection, filters: Filters, *, before: int | None = None, limit: int = PAGE
) -> list[Entry]:
    """Return the newest entries that match; `before` an entry's number, for the next page."""
    words = None
    if filters.words:
        words = f"%{filters.words.translate(_PATTERN_SIGNS)}%"
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["search_entries"],
            _NEWEST if before is None else before,
            filters.actor,
            filters.act,
            filters.contest,
            words,
            filters.since,
            filters.until,
            limit,
        )
    return [to_entry(row) for row in rows]


async def load_actors(connection: AnyConnection, limit: int = 500) -> list[str]:
    """Return the names of all actors."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["actors"], limit)
    return [row["actor"] for row in rows]
