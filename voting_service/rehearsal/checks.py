"""What an announcement alone shows: promises that cannot be kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from voting_service.contests.model import Contest, Platform
from voting_service.contests.release_schedule import release_moments
from voting_service.rehearsal.announcement import Announcement
from voting_service.rehearsal.findings import Finding, moment_in_words

Check = Callable[[Announcement, ZoneInfo], Iterator[Finding]]
"""Yields what would fail; the zone is that of the people who vote."""


def check(announced: Announcement, people: ZoneInfo) -> tuple[Finding, ...]:
    """Return everything that would fail, in the order of time. `people` is the zone of those who
    vote."""
    findings = chain.from_iterable(find(announced, people) for find in CHECKS)
    return tuple(sorted(findings, key=lambda finding: finding.at))


def _cut(announced: Announcement, _people: ZoneInfo) -> Iterator[Finding]:
    size, field = announced.rules.cut.size, len(announced.contest.candidates)
    if size > field:
        params = {"size": size, "field": field}
        yield Finding("cut_larger_than_field", announced.contest.closes_at, params)


def _blackout(announced: Announcement, _people: ZoneInfo) -> Iterator[Finding]:
    contest, begins_at = announced.contest, announced.blackout_at
    if begins_at is None:
        return
    if begins_at >= contest.closes_at:
        params = {"begins": begins_at, "closes": contest.closes_at}
        yield Finding("blackout_after_close", contest.closes_at, params)
    elif begins_at <= contest.opens_at:
        params = {"begins": begins_at, "opens": contest.opens_at}
        yield Finding("blackout_before_opening", contest.opens_at, params)


def _keys(announced: Announcement, _people: ZoneInfo) -> Iterator[Finding]:
    for platform in announced.enabled_platforms or ():
        if lacks_key(platform):
            opens_at = announced.contest.opens_at
            params = {"name": platform.name, "slug": platform.slug, "opens": opens_at}
            yield Finding("platform_without_key", opens_at, params)


def lacks_key(platform: Platform) -> bool:
    """Return whether no key can verify the tokens of a platform that signs them."""
    config = platform.config
    return platform.kind == "jwt" and not (config.get("keys") or config.get("jwks_url"))


def _entrances(announced: Announcement, _people: ZoneInfo) -> Iterator[Finding]:
    if announced.enabled_platforms == ():
        opens_at = announced.contest.opens_at
        yield Finding("no_platform", opens_at, {"opens": opens_at})


def _zone(announced: Announcement, people: ZoneInfo) -> Iterator[Finding]:
    """Where the contest's clock is not that of the people who vote, every time of day in its rules
    is another one for them."""
    contest, zone = announced.contest, announced.zone
    first = contest.opens_at
    if first.astimezone(zone).utcoffset() == first.astimezone(people).utcoffset():
        return
    midnight = datetime.combine(first.astimezone(zone).date() + timedelta(days=1), time(), zone)
    params: dict[str, Any] = {
        "zone": announced.rules.time_zone,
        "people": people.key,
        "day_ends": f"{midnight.astimezone(people):%H:%M}",
    }
    shown = next(_daily_moments(announced), None)
    if shown is None:
        yield Finding("day_in_other_zone", first, params)
        return
    at = announced.rules.release.daily_at
    params |= {
        "daily_at": f"{at:%H:%M}",
        "seen_at": f"{shown.astimezone(people):%H:%M}",
        "first": moment_in_words(shown, people),
    }
    yield Finding("snapshot_in_other_zone", shown, params)


def _offsets(announced: Announcement, _people: ZoneInfo) -> Iterator[Finding]:
    if announced.other_offsets:
        params = {"keys": ", ".join(announced.other_offsets), "zone": announced.rules.time_zone}
        yield Finding("written_in_other_zone", announced.contest.opens_at, params)


def _notice(announced: Announcement, _people: ZoneInfo) -> Iterator[Finding]:
    days = announced.surroundings.notice_days
    if days is not None and days < 1:
        params = {"days": days, "published": announced.published_at}
        yield Finding("no_notice_period", announced.published_at, params)


def _counts(announced: Announcement, _people: ZoneInfo) -> Iterator[Finding]:
    """Counts that are announced daily and that no day shows."""
    if announced.rules.release.mode == "daily" and next(_daily_moments(announced), None) is None:
        yield Finding("counts_never_shown", announced.contest.opens_at)


def _ceilings(announced: Announcement, _people: ZoneInfo) -> Iterator[Finding]:
    platforms = announced.enabled_platforms or ()
    ceilings = [platform.daily_ceiling for platform in platforms]
    expected, taken = announced.rules.expected_voters_per_day, sum(filter(None, ceilings))
    if ceilings and None not in ceilings and taken < expected:
        params = {"expected": expected, "taken": taken}
        yield Finding("ceilings_too_low", announced.contest.opens_at, params)


def _deciders(announced: Announcement, _people: ZoneInfo) -> Iterator[Finding]:
    deciders = announced.surroundings.deciders
    if deciders is not None and deciders < 2:
        yield Finding("no_second_person", announced.contest.closes_at, {"deciders": deciders})


def _daily_moments(announced: Announcement) -> Iterator[datetime]:
    """Yield when counts become public by a time of day."""
    if announced.rules.release.mode == "daily":
        new = announced.feasible()
        yield from release_moments(
            Contest(0, new.slug, new.rules, new.opens_at, new.closes_at, 0, ())
        )


CHECKS: tuple[Check, ...] = (
    *(_cut, _blackout, _keys, _entrances, _zone),
    *(_offsets, _notice, _counts, _ceilings, _deciders),
)
