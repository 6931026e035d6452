"""The order in which contests are listed, and the contest of the home page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from voting_service.contests.model import Contest, Phase


def group_by_phase(contests: Iterable[Contest], now: datetime) -> dict[Phase, list[Contest]]:
    """Return contests by phase, in the order in which people look for one.

    Open contests by opening, upcoming ones by opening, closed ones by close, newest first; the slug
    decides between equal moments. A contest is listed as soon as it is imported: its name and
    voting period are announced, only its content is held back until `published_at`.
    """
    groups: dict[Phase, list[Contest]] = {"open": [], "upcoming": [], "closed": []}
    for contest in sorted(contests, key=lambda listed: (listed.opens_at, listed.slug)):
        groups[contest.phase(now)].append(contest)
    groups["closed"].sort(key=lambda listed: listed.closes_at, reverse=True)
    return groups


def find_front_contest(contests: Iterable[Contest], now: datetime) -> Contest | None:
    """Return the contest of the home page: an open one, else the next to open, else the last that
    closed; None if there is none.

    Of several open ones, the one that opened first keeps the home page until it closes, so no
    import changes an address that was announced.
    """
    return next(
        (contest for groups in group_by_phase(contests, now).values() for contest in groups), None
    )
