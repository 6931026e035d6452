"""Pure curves of the number of users over a run.

A curve takes the elapsed share of the run, 0 to 1, and returns the share of the peak's users.
Separate from locust, whose import patches the whole process.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Curve = Callable[[float], float]

DEFAULT_PEAK_USERS = 50
DEFAULT_SECONDS = 30


def evening(elapsed: float) -> float:
    """An ordinary evening: one slow wave."""
    return 0.3 + 0.7 * math.sin(math.pi * elapsed)


def television(elapsed: float) -> float:
    """A quiet evening with a sudden peak after a mention on television."""
    if elapsed < 0.25:
        return 0.1
    if elapsed < 0.6:
        return 1.0
    return 0.4


def closing(elapsed: float) -> float:
    """The last hour before the close, with the peak in the last minutes."""
    return 0.1 + 0.9 * elapsed**2


def storm(_elapsed: float) -> float:
    """The peak all the time."""
    return 1.0
