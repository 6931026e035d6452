"""The moments of a contest: when its profiles come out, and what may be stored after the close."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from voting_service.contests.model import Contest, ContestRules, Phase
from voting_service.errors import NotPublished

COMMIT_GRACE_SECONDS = 10
"""A ballot may reach Postgres this much after its moment, never later, by Postgres' own clock: the
insert itself refuses. (Before its moment by no more than a worker's clock may be ahead:
storage/database_clock.py.)"""

DRAIN_SECONDS = 15
"""When this has passed since a moment, by Postgres' clock, no ballot from before it can appear any
more: the grace, and the five seconds that a statement begun within it may still run
(storage/postgres.py)."""


class Announced(Protocol):
    """A contest, stored or still in its file."""

    @property
    def rules(self) -> ContestRules: ...
    @property
    def opens_at(self) -> datetime: ...


def published_at(contest: Announced) -> datetime:
    """When profiles, pictures and standings come out, everywhere at once."""
    return contest.rules.publish_at or contest.opens_at


def is_published(contest: Contest, now: datetime) -> bool:
    """Whether they are out."""
    return now >= published_at(contest)


def require_published(contest: Contest, now: datetime) -> None:
    """Raises NotPublished, which names the moment, while profiles are under embargo."""
    if not is_published(contest, now):
        raise NotPublished(published_at(contest))


def by_phase(contests: Iterable[Contest], now: datetime) -> dict[Phase, list[Contest]]:
    """Every contest that may be seen, in the order in which people look for one.

    Of the open ones the one that opened first stands first, of the upcoming ones the next to
    open, of the closed ones the last that closed; the slug decides between equal moments. A
    contest may be seen as soon as it is imported: its name and its window are announced, and
    only what it is about stays back until `published_at`.
    """
    found: dict[Phase, list[Contest]] = {"open": [], "upcoming": [], "closed": []}
    for contest in sorted(contests, key=lambda each: (each.opens_at, each.slug)):
        found[contest.phase(now)].append(contest)
    found["closed"].sort(key=lambda each: each.closes_at, reverse=True)
    return found


def front_contest(contests: Iterable[Contest], now: datetime) -> Contest | None:
    """The contest that the home page leads to: an open one, else the next to open, else the last
    that closed. None when there is none.

    Of several open ones the one that opened first keeps the page until it closes, so that no
    import moves an address that people were told of.
    """
    return next((each for found in by_phase(contests, now).values() for each in found), None)
