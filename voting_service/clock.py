"""The clock, passed in wherever a decision depends on time, so that tests can move it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, always with a zone."""


def system_clock() -> datetime:
    """The machine's time in UTC."""
    return datetime.now(UTC)
