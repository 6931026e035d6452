"""The release schedule: which counts are public, and when.

It follows from one ascending sequence, the release moments of the contest:

| mode | without a blackout | with a blackout |
|---|---|---|
| live | none | the blackout's start |
| daily | every `daily_at`, then the close | every `daily_at` up to the blackout's start |
| hidden | none | none |

Without a blackout, all counts are public after the close: `live` stays live, and `daily` shows the
counts at the close. With one, the last public counts stay until the cut is published; the caller
shows the cut from then on.

Staff may close a contest early. The blackout stays where it was announced, so no public counts are
withdrawn; if it had not begun, the close is the last release moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from voting_service.contests.model import Contest


@dataclass(frozen=True, slots=True)
class Live:
    """The counts as they are now."""


@dataclass(frozen=True, slots=True)
class SnapshotAt:
    """The counts as they stood at `moment`, a release moment, in UTC."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class Hidden:
    """No counts before `until`; None: not before the cut is published."""

    until: datetime | None


Release = Live | SnapshotAt | Hidden


def release_at(contest: Contest, now: datetime) -> Release:
    """Return what is public at `now`, which has a time zone."""
    mode = contest.rules.release.mode
    if mode == "hidden":
        return Hidden(until=None)
    first = latest = None
    for moment in release_moments(contest):
        first = first or moment
        if moment > now:
            break
        latest = moment
    if latest is not None:
        return SnapshotAt(latest)
    return Live() if mode == "live" else Hidden(until=first)


def release_before(contest: Contest, moment: datetime) -> datetime | None:
    """Return the release moment before another one; None for the first."""
    before = None
    for earlier in release_moments(contest):
        if earlier >= moment:
            break
        before = earlier
    return before


def snapshot_moments_due(
    contest: Contest, after: datetime | None, now: datetime
) -> tuple[datetime, ...]:
    """Return the release moments in (after, now] whose snapshots are due, ascending.

    `after` is the newest moment with a snapshot, None if there is none.
    """
    return tuple(
        moment
        for moment in release_moments(contest)
        if moment <= now and (after is None or moment > after)
    )


def release_moments(contest: Contest) -> Iterator[datetime]:
    """Yield every moment whose counts become public, ascending, in UTC."""
    release = contest.rules.release
    early = contest.rules.early_close
    opens_at, closes_at = contest.opens_at.astimezone(UTC), contest.closes_at.astimezone(UTC)
    announced = early.announced.astimezone(UTC) if early else closes_at
    blackout = timedelta(hours=release.blackout_hours)
    shown_until = min(closes_at, announced - blackout)
    if release.mode == "daily":
        latest = opens_at
        for moment in _daily_moments(contest, opens_at, shown_until):
            latest = moment
            yield moment
        if not blackout and latest < closes_at:
            yield closes_at
    elif release.mode == "live" and blackout:
        yield shown_until


def _daily_moments(contest: Contest, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield `daily_at` of every local day, in (after, until].

    If clocks go forward over `daily_at`, the moment is later by the gap; if it occurs twice, the
    first one counts; a date that a zone skipped has none.
    """
    daily_at = contest.rules.release.daily_at
    if daily_at is None:
        raise RuntimeError(f"contest {contest.slug} releases counts daily but has no daily_at")
    day = after.astimezone(contest.zone).date()
    last_day = until.astimezone(contest.zone).date()
    while day <= last_day:
        moment = datetime.combine(day, daily_at, contest.zone).astimezone(UTC)
        if after < moment <= until:
            yield moment
            after = moment
        day += timedelta(days=1)
