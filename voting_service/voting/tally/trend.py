"""How the public counts grew: at every release, or at every midnight while counts are live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise, takewhile
from typing import NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.release_schedule import (
    Hidden,
    Live,
    Release,
    SnapshotAt,
    release_moments,
)


class SnapshotCounts(NamedTuple):
    """The public count as of an earlier moment."""

    moment: datetime
    ballots: int
    votes: dict[int, int]


class CandidateTrend(msgspec.Struct, frozen=True):
    """A candidate's votes at each of the trend's moments."""

    number: int
    votes: tuple[int, ...]

    @property
    def gains(self) -> list[int]:
        """Return the votes that each moment added; a ruling can make them negative."""
        return [later - earlier for earlier, later in pairwise((0, *self.votes))]


class Trend(msgspec.Struct, frozen=True):
    """The public counts at earlier moments, ascending, of the candidates who have not withdrawn."""

    contest: str
    moments: tuple[datetime, ...] = ()
    candidates: tuple[CandidateTrend, ...] = ()


def trend_moments(contest: Contest, release: Release, now: datetime) -> tuple[datetime, ...]:
    """Return the moments of the trend that is public under a release, ascending, in UTC."""
    match release:
        case Hidden():
            return ()
        case Live():
            return tuple(_midnights(contest, min(now, contest.closes_at)))
        case SnapshotAt(moment=newest) if contest.rules.release.mode == "daily":
            return tuple(takewhile(lambda moment: moment <= newest, release_moments(contest)))
        case SnapshotAt(moment=newest):
            return tuple(_midnights(contest, newest))


def make_trend(contest: Contest, counts: Sequence[SnapshotCounts]) -> Trend:
    """Return the trend that counts of ascending moments make."""
    return Trend(
        contest.slug,
        tuple(at.moment for at in counts),
        tuple(
            CandidateTrend(number, tuple(at.votes.get(number, 0) for at in counts))
            for number in sorted(contest.standing)
        ),
    )


def _midnights(contest: Contest, until: datetime) -> Iterator[datetime]:
    """Yield the midnights in (opening, until]; in zones that differ from UTC by half an hour, the
    full hour before, because the aggregates are hourly."""
    midnight = contest.midnight_after(contest.opens_at)
    while midnight <= until:
        hour = midnight.astimezone(UTC).replace(minute=0)
        if hour > contest.opens_at:
            yield hour
        midnight = contest.midnight_after(midnight)
