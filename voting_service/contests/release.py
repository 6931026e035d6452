"""The release schedule: what the public may see of the counts, and when.

Everything follows from one rising sequence, the contest's release moments:

| mode | without a blackout | with a blackout |
|---|---|---|
| live | none | the blackout's start |
| daily | every `daily_at`, then the close | every `daily_at` up to the blackout's start |
| hidden | none | none |

Without a blackout nothing is held back in the end: after the close `live` stays live, and
`daily` shows the counts at the close. With one, what was last shown stays until the cut is
published; showing the cut from then on is the caller's part.

Staff may close a contest early. The blackout stays where it was announced, so that nothing the
public has seen is taken back; where it had not begun, the close is the last moment shown.
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
    """What the public may see at `now`, which has a zone."""
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


def snapshot_moments_due(
    contest: Contest, after: datetime | None, now: datetime
) -> tuple[datetime, ...]:
    """The release moments in (after, now], whose counts must be on record by now; rising.

    `after` is the newest moment that is on record, None when there is none.
    """
    return tuple(
        moment
        for moment in release_moments(contest)
        if moment <= now and (after is None or moment > after)
    )


def release_moments(contest: Contest) -> Iterator[datetime]:
    """Every moment whose counts the public gets to see, rising, in UTC."""
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
    """`daily_at` of every local day, in (after, until].

    Where clocks are put forward over `daily_at` the moment comes as late as the gap is wide;
    where it happens twice the first one counts; a date that a zone left out has none.
    """
    daily_at = contest.rules.release.daily_at
    if daily_at is None:
        raise ValueError(f"contest {contest.slug} releases counts daily but has no daily_at")
    day = after.astimezone(contest.zone).date()
    last_day = until.astimezone(contest.zone).date()
    while day <= last_day:
        moment = datetime.combine(day, daily_at, contest.zone).astimezone(UTC)
        if after < moment <= until:
            yield moment
            after = moment
        day += timedelta(days=1)
