"""Loads and stores contests and platforms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from voting_service.contests.constraints import CONSTRAINTS
from voting_service.contests.model import (
    Candidate,
    Contest,
    ContestRules,
    Logo,
    PersonPolicy,
    Platform,
    ProfileCorrection,
    Withdrawal,
)
from voting_service.errors import NotFound
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)


class NewContest(NamedTuple):
    """A contest to store; the database gives it an id."""

    slug: str
    rules: ContestRules
    opens_at: datetime
    closes_at: datetime
    candidates: Sequence[Candidate]


class NewPlatform(NamedTuple):
    """A platform to store, with the fields of `model.Platform`; it is switched on."""

    slug: str
    name: Text
    kind: str
    config: dict[str, Any]
    origins: Sequence[str] = ()
    daily_ceiling: int | None = None
    profile_url: str | None = None
    person_policy: PersonPolicy = "never"
    entrance: str | None = None
    app_name: Text | None = None
    logo: Logo | None = None


async def insert_contest(connection: AnyConnection, new: NewContest) -> int:
    """Store a new contest with its candidates and create its ballot partition, in one transaction.

    Raises InvalidInput when the slug is taken.
    """
    with domain_errors():
        async with connection.transaction():
            return await _insert_contest(connection, new)


async def delete_contest(connection: AnyConnection, contest_id: int) -> None:
    """Remove a contest and all that came with it. Raises Refused once it is announced, and when
    something refers to it."""
    await connection.execute(QUERIES["delete_contest"], contest_id)


async def _insert_contest(connection: AnyConnection, new: NewContest) -> int:
    contest_id: int = await connection.fetchval(
        QUERIES["insert_contest"],
        new.slug,
        msgspec.to_builtins(new.rules),
        new.opens_at,
        new.closes_at,
    )
    await connection.executemany(
        QUERIES["insert_candidate"],
        [(contest_id, c.number, msgspec.to_builtins(c)) for c in new.candidates],
    )
    await connection.execute(QUERIES["create_ballot_partition"], contest_id)
    return contest_id


async def insert_platform(connection: AnyConnection, new: NewPlatform) -> int:
    """Store a new platform. Raises InvalidInput when the slug is taken."""
    with domain_errors():
        platform_id: int = await connection.fetchval(
            QUERIES["insert_platform"],
            new.slug,
            msgspec.to_builtins(new.name),
            new.kind,
            new.config,
            list(new.origins),
            new.daily_ceiling,
            new.profile_url,
            new.person_policy,
            new.entrance,
            msgspec.to_builtins(new.app_name),
            msgspec.to_builtins(new.logo),
        )
    return platform_id


async def set_profile_url(connection: AnyConnection, slug: str, profile_url: str | None) -> None:
    """Set where the platform shows profiles. Raises NotFound."""
    with domain_errors():
        platform_id = await connection.fetchval(QUERIES["set_profile_url"], slug, profile_url)
    if platform_id is None:
        raise NotFound("contests.no_such_platform", slug=slug)


async def load_contests(connection: AnyConnection) -> tuple[Contest, ...]:
    """Load every contest with its candidates. Fails if one cannot be read: use this where leaving a
    contest out would be wrong."""
    return tuple(_contest(row) for row in await _rows(connection))


async def load_readable_contests(
    connection: AnyConnection,
) -> tuple[tuple[Contest, ...], dict[str, Exception]]:
    """Load every readable contest, and the errors of the others by slug."""
    contests = []
    unreadable: dict[str, Exception] = {}
    for row in await _rows(connection):
        try:
            contests.append(_contest(row))
        except Exception as error:
            unreadable[row["slug"]] = error
    return tuple(contests), unreadable


async def _rows(connection: AnyConnection) -> list[Any]:
    with domain_errors():
        return await connection.fetch(QUERIES["contests"])


def _contest(row: Any) -> Contest:
    return Contest(
        id=row["id"],
        slug=row["slug"],
        rules=msgspec.convert(row["rules"], ContestRules),
        opens_at=row["opens_at"],
        closes_at=row["closes_at"],
        revision=row["revision"],
        candidates=msgspec.convert(row["candidates"], tuple[Candidate, ...]),
        withdrawals=msgspec.convert(row["withdrawals"], tuple[Withdrawal, ...]),
        corrections=msgspec.convert(row["corrections"], tuple[ProfileCorrection, ...]),
        logo=msgspec.convert(row["logo"], Logo | None),
    )


async def load_contest(connection: AnyConnection, slug: str) -> Contest:
    """Load a contest. Raises NotFound."""
    for row in await _rows(connection):
        if row["slug"] == slug:
            return _contest(row)
    raise NotFound("contests.no_such_contest", slug=slug)


async def load_platforms(connection: AnyConnection) -> tuple[Platform, ...]:
    """Load every platform, enabled or not."""
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
            person_policy=row["person_policy"],
            sessions_not_before=row["sessions_not_before"],
            entrance=row["entrance"],
            app_name=msgspec.convert(row["app_name"], Text | None),
            logo=msgspec.convert(row["logo"], Logo | None),
        )
        for row in rows
    )
