"""Reading the journal: line by line along the chain, or what fits a search, newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import msgspec

from voting_service.journal.model import Entry
from voting_service.journal.record import QUERIES
from voting_service.storage.postgres import AnyConnection, domain_errors

BATCH = 2000
PAGE = 100
_NEWEST = 2**63 - 1
_PATTERN_SIGNS = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class Filters(msgspec.Struct, frozen=True):
    """What to look for; None: everything. `words` are looked for in subject and details,
    whatever their case; `until` is the first moment that is too late."""

    actor: str | None = None
    act: str | None = None
    contest: str | None = None
    words: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def entry_of(row: asyncpg.Record) -> Entry:
    """A line from a row that has its columns."""
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
    """The chain from behind a line, in batches, each a short statement of its own: lines become
    visible in their order, so none is missed."""
    while True:
        with domain_errors():
            rows = await connection.fetch(QUERIES["entries_after"], entry, batch)
        if not rows:
            return
        yield [entry_of(row) for row in rows]
        entry = rows[-1]["entry"]


async def search(
    connection: AnyConnection, filters: Filters, *, before: int | None = None, limit: int = PAGE
) -> list[Entry]:
    """The newest lines that fit, newest first; `before` a line's number, for the next page."""
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
    return [entry_of(row) for row in rows]


async def load_actors(connection: AnyConnection, limit: int = 500) -> list[str]:
    """Whoever stands in the journal, by name."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["actors"], limit)
    return [row["actor"] for row in rows]
