"""How long until a contest opens or closes, as pages write it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from voting_service.contests.model import Contest

_DAY, _HOUR = 86_400, 3_600


class Countdown(NamedTuple):
    """The time left in the largest unit of which there are two: days or hours, else `soon`. Minutes
    are written by the device (countdown.js)."""

    until: datetime
    unit: Literal["days", "hours", "soon"]
    left: int
    step_seconds: int

    @property
    def about_seconds(self) -> int:
        """The time left, rounded down to the unit."""
        return self.left * self.step_seconds

    @property
    def holds_to(self) -> datetime:
        """The last moment at which this is right."""
        return self.until - max(timedelta(seconds=self.about_seconds), timedelta.resolution)


def count_down(contest: Contest, now: datetime) -> Countdown | None:
    """Return the countdown to the opening, then to the close; None after it."""
    phase = contest.phase(now)
    if phase == "closed":
        return None
    until = contest.opens_at if phase == "upcoming" else contest.closes_at
    seconds = int((until - now).total_seconds())
    if seconds >= 2 * _DAY:
        return Countdown(until, "days", seconds // _DAY, _DAY)
    if seconds >= 2 * _HOUR:
        return Countdown(until, "hours", seconds // _HOUR, _HOUR)
    return Countdown(until, "soon", 0, _HOUR)
