"""When the profiles of a contest are published, and the order in which contests are listed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from voting_service.contests.model import (
    Contest,
    ContestRules,
    Phase,
)
from voting_service.errors import NotPublished


class AnnouncedContest(Protocol):
    """A contest, stored or still in its file."""

    @property
    def rules(self) -> ContestRules: ...
    @property
    def opens_at(self) -> datetime: ...


def published_at(contest: AnnouncedContest) -> datetime:
    """Return when profiles, pictures and standings are published, everywhere at once."""
    return contest.rules.publish_at or contest.opens_at


def is_published(contest: Contest, now: datetime) -> bool:
    """Return whether they are published."""
    return now >= published_at(contest)


def require_published(contest: Contest, now: datetime) -> None:
    """Raises NotPublished with the moment of publication while profiles are under embargo."""
    if not is_published(contest, now):
        raise NotPublished(published_at(contest))


def group_by_phase(contests: Iterable[Contest], now: datetime) -> dict[Phase, list[Contest]]:
    """Return contests by phase, in the order in which people look for one.

    Open contests by opening, upcoming ones by opening, closed ones by close, newest first; the slug
    decides between equal moments. A contest is listed as soon as it is imported: its name and
    voting period are announced, only its content is held back until `published_at`.
    """
    groups: dict[Phase, list[Contest]] = {"open": [], "upcoming": [], "closed": []}
    for contest in sorted(contests, key=lambda each: (each.opens_at, each.slug)):
        groups[contest.phase(now)].append(contest)
    groups["closed"].sort(key=lambda each: each.closes_at, reverse=True)
    return groups


def find_front_contest(contests: Iterable[Contest], now: datetime) -> Contest | None:
    """Return the contest of the home page: an open one, else the next to open, else the last that
    closed; None if there is none.

    Of several open ones, the one that opened first keeps the home page until it closes, so no
    import changes an address that was announced.
    """
    return next(
        (each for groups in group_by_phase(contests, now).values() for each in groups), None
    )
