"""A storm of retries and duplicates. `locust -f loadtests/profiles/storm.py`."""

from __future__ import annotations

from loadtests.crowds import Crowd
from loadtests.curves import storm
from loadtests.people import Stubborn

__all__ = ["Storm", "Stubborn"]


class Storm(Crowd):
    """Everyone insists, all the time."""

    def curve(self, elapsed: float) -> float:
        return storm(elapsed)
