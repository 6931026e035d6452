"""How many users there are at a moment of an evening, as pure curves.

A curve takes the elapsed share of the run, 0 to 1, and returns the share of the peak's users.
Apart from locust, whose import patches the whole process.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Curve = Callable[[float], float]

DEFAULT_PEAK_USERS = 50
DEFAULT_SECONDS = 30


def evening(elapsed: float) -> float:
    """People come home, read, vote, go to bed: one slow wave."""
    return 0.3 + 0.7 * math.sin(math.pi * elapsed)


def television(elapsed: float) -> float:
    """A quiet evening, a mention in the news, everyone at once, and a tail."""
    if elapsed < 0.25:
        return 0.1
    if elapsed < 0.6:
        return 1.0
    return 0.4


def closing(elapsed: float) -> float:
    """The last hour: more and more, the most in the last minutes."""
    return 0.1 + 0.9 * elapsed**2


def storm(_elapsed: float) -> float:
    """All of them all the time."""
    return 1.0
