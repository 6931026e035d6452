"""The clock, passed in wherever a decision depends on time, so that tests can move it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

Clock = Callable[[], datetime]
"""Returns the current time, always with a zone."""

FIRST_DAY = date(2000, 1, 1)
"""Day 0 where days are stored as numbers."""


def system_clock() -> datetime:
    """The machine's time in UTC."""
    return datetime.now(UTC)
