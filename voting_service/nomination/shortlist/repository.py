"""The shortlist in Postgres."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.model import Selection
from voting_service.nomination.shortlist.constraints import CONSTRAINTS
from voting_service.nomination.shortlist.model import ShortlistEntry

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)


async def load_shortlist(
    connection: AnyConnection, selection: Selection
) -> tuple[ShortlistEntry, ...]:
    """Load every entry by number; removed entries come last."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["shortlist"], selection.id)
    return tuple(msgspec.convert(dict(row), ShortlistEntry) for row in rows)


async def load_numbers(connection: AnyConnection, selection: Selection) -> Mapping[int, int | None]:
    """Load the numbers of the entries that are not removed, by recommendation."""
    entries = await load_shortlist(connection, selection)
    return {entry.recommendation_id: entry.number for entry in entries if not entry.is_removed}


async def load_publication_blocker(connection: AnyConnection, selection: Selection) -> str | None:
    """Load what keeps the shortlist from the contest: `numbers`, `notice`, `objections`,
    `replacement` or `period`; None when nothing does."""
    with domain_errors():
        blocker: str | None = await connection.fetchval(QUERIES["blocker"], selection.id)
    return blocker


async def link_contest(connection: AnyConnection, selection: Selection, contest_id: int) -> None:
    """Store which contest the shortlist was published to."""
    with domain_errors():
        await connection.execute(QUERIES["link_contest"], selection.id, contest_id)
