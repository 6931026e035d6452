"""Contests and platforms in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.model import (
    Candidate,
    Contest,
    ContestRules,
    Platform,
    Text,
)
from voting_service.errors import NotFound
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)


async def insert_contest(
    connection: AnyConnection,
    *,
    slug: str,
    rules: ContestRules,
    opens_at: datetime,
    closes_at: datetime,
    candidates: Sequence[Candidate],
) -> int:
    """Stores a new contest and makes room for its ballots; call it in a transaction.

    Raises InvalidInput when the slug is taken.
    """
    with domain_errors():
        contest_id: int = await connection.fetchval(
            QUERIES["insert_contest"], slug, msgspec.to_builtins(rules), opens_at, closes_at
        )
        await connection.executemany(
            QUERIES["insert_candidate"],
            [(contest_id, c.number, msgspec.to_builtins(c)) for c in candidates],
        )
        await connection.execute(QUERIES["create_ballot_partition"], contest_id)
    return contest_id


async def insert_platform(
    connection: AnyConnection,
    *,
    slug: str,
    name: Text,
    kind: str,
    config: dict[str, Any],
    origins: Sequence[str] = (),
    daily_ceiling: int | None = None,
    profile_url: str | None = None,
) -> int:
    """Stores a new platform. Raises InvalidInput when the slug is taken."""
    with domain_errors():
        platform_id: int = await connection.fetchval(
            QUERIES["insert_platform"],
            slug,
            msgspec.to_builtins(name),
            kind,
            config,
            list(origins),
            daily_ceiling,
            profile_url,
        )
    return platform_id


async def set_profile_url(connection: AnyConnection, slug: str, profile_url: str | None) -> None:
    """Raises NotFound when there is no such platform."""
    with domain_errors():
        found = await connection.fetchval(QUERIES["set_profile_url"], slug, profile_url)
    if found is None:
        raise NotFound(f"there is no platform {slug!r}")


async def load_contests(connection: AnyConnection) -> tuple[Contest, ...]:
    """Every contest with its candidates."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["contests"])
    return tuple(
        Contest(
            id=row["id"],
            slug=row["slug"],
            rules=msgspec.convert(row["rules"], ContestRules),
            opens_at=row["opens_at"],
            closes_at=row["closes_at"],
            revision=row["revision"],
            candidates=msgspec.convert(row["candidates"], tuple[Candidate, ...]),
        )
        for row in rows
    )


async def load_contest(connection: AnyConnection, slug: str) -> Contest:
    """Raises NotFound when there is no such contest."""
    for contest in await load_contests(connection):
        if contest.slug == slug:
            return contest
    raise NotFound(f"there is no contest {slug!r}")


async def load_platforms(connection: AnyConnection) -> tuple[Platform, ...]:
    """Every platform, enabled or not."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["platforms"])
    return tuple(
        Platform(
            id=row["id"],
            slug=row["slug"],
            name=msgspec.convert(row["name"], Text),
            kind=row["kind"],
            config=row["config"],
            origins=tuple(row["origins"]),
            daily_ceiling=row["daily_ceiling"],
            enabled=row["enabled"],
            revision=row["revision"],
            profile_url=row["profile_url"],
        )
        for row in rows
    )
