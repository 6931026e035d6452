"""The closing hour. `locust -f loadtests/profiles/closing.py`."""

from __future__ import annotations

from loadtests.crowds import Crowd
from loadtests.curves import closing
from loadtests.people import Reader, Voter

__all__ = ["Closing", "Reader", "Voter"]


class Closing(Crowd):
    """Readers and voters along the curve."""

    def curve(self, elapsed: float) -> float:
        return closing(elapsed)
