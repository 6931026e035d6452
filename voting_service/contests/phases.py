"""When the profiles of a contest are published."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from voting_service.contests.model import (
    Contest,
    ContestRules,
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
