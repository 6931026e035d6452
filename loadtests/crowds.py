"""How many users there are at a moment of an evening: pure curves, then locust's shapes of them.

A curve takes the elapsed share of the run, 0 to 1, and returns the share of the peak's users.
"""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from typing import ClassVar

from locust import LoadTestShape

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


class Crowd(LoadTestShape):
    """A curve as locust's shape; `--users` is the peak and `--run-time` the length."""

    abstract: ClassVar[bool] = True
    use_common_options: ClassVar[bool] = True

    @abstractmethod
    def curve(self, elapsed: float) -> float:
        """The share of the peak's users at this share of the run."""

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        peak = getattr(options, "num_users", None) or DEFAULT_PEAK_USERS
        seconds = getattr(options, "run_time", None) or DEFAULT_SECONDS
        elapsed = (time.perf_counter() - self.start_time) / seconds
        if elapsed >= 1:
            return None
        users = max(1, round(peak * self.curve(elapsed)))
        return users, max(10.0, float(peak))
