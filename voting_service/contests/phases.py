"""The moments of a contest: when its profiles come out, and what may be stored after the close."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from voting_service.contests.model import Contest, ContestRules
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
