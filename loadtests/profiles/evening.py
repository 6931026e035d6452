"""A normal evening. `locust -f loadtests/profiles/evening.py`."""

from __future__ import annotations

from loadtests.crowds import Crowd
from loadtests.curves import evening
from loadtests.people import Reader, Voter

__all__ = ["Evening", "Reader", "Voter"]


class Evening(Crowd):
    """Readers and voters along the curve."""

    def curve(self, elapsed: float) -> float:
        return evening(elapsed)
