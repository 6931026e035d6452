"""The curves as locust's load shapes."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import ClassVar

from locust import LoadTestShape

from loadtests.curves import DEFAULT_PEAK_USERS, DEFAULT_SECONDS


class Crowd(LoadTestShape):
    """A load shape from a curve; `--users` is the peak, `--run-time` the length."""

    abstract: ClassVar[bool] = True
    use_common_options: ClassVar[bool] = True

    @abstractmethod
    def curve(self, elapsed: float) -> float:
        """Return the share of the peak at a share of the run."""

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
