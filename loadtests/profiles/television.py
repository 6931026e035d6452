"""A mention in the news: everyone at once. `locust -f loadtests/profiles/television.py`."""

from __future__ import annotations

from loadtests.crowds import Crowd
from loadtests.curves import television
from loadtests.people import Reader, Voter

__all__ = ["Reader", "Television", "Voter"]


class Television(Crowd):
    """Readers and voters along the curve."""

    def curve(self, elapsed: float) -> float:
        return television(elapsed)
