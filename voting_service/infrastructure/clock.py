"""The clock. It is passed to every decision that depends on time, so that tests can set it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

Clock = Callable[[], datetime]
"""Returns the current time with a time zone."""

FIRST_DAY = date(2000, 1, 1)
"""Day 0 of days that are stored as numbers."""


def system_clock() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)
