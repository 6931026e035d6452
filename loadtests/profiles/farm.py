"""One machine with bought tokens. `locust -f loadtests/profiles/farm.py`."""

from __future__ import annotations

from loadtests.crowds import Crowd
from loadtests.curves import storm
from loadtests.one_address import Machine

__all__ = ["Farm", "Machine"]


class Farm(Crowd):
    """As many at once as users, all the time."""

    def curve(self, elapsed: float) -> float:
        return storm(elapsed)
