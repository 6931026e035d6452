"""A factory's lunch break behind one address. `locust -f loadtests/profiles/canteen.py`."""

from __future__ import annotations

from loadtests.crowds import Crowd
from loadtests.curves import storm
from loadtests.one_address import Neighbour

__all__ = ["Canteen", "Neighbour"]


class Canteen(Crowd):
    """Everyone who eats there: nine users a second's wait apart are 5,000 voters in ten minutes."""

    def curve(self, elapsed: float) -> float:
        return storm(elapsed)
