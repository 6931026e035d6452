"""One simulated contest: the honest vote of a seed, and the candidate an attack is for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtests.fraud.city import CANDIDATES, SEATS, City, make_city
from loadtests.fraud.honest import PersonNumbers, honest_ballots
from loadtests.fraud.records import Ballots, places, votes

HONEST_BALLOTS = 234_000
MULTIPLES = (0.5, 1.0, 2.0, 5.0)
"""Sizes of an attack, in margins between place 30 and the bought candidate."""
_LEAST_MARGIN_SHARE = 0.001


@dataclass(frozen=True, slots=True)
class Scene:
    """The honest ballots of a seed in the order they were cast, and the candidate of attacks.

    `bought` is that candidate, a few places below the line; `rival` holds the last seat; `margin`
    is the difference of their votes.
    """

    seed: int
    city: City
    honest: Ballots
    people: int
    bought: int
    rival: int
    margin: int

    def attack_size(self, multiple: float) -> int:
        """Return the ballots of an attack of that size."""
        return max(1, round(multiple * self.margin))


def make_scene(seed: int, ballots: int = HONEST_BALLOTS) -> Scene:
    """Return the scene of a seed and size, always the same."""
    rng = np.random.default_rng([seed, 0])
    city = make_city(rng, ballots)
    numbers = PersonNumbers()
    honest = honest_ballots(rng, city, numbers).sorted_by_time()
    counts = votes(honest.choices, CANDIDATES)
    order = places(counts)
    last = int(order[SEATS - 1])
    trailing = [int(number) for number in order[SEATS + int(rng.integers(0, 4)) :]]
    margins = [int(counts[last - 1] - counts[number - 1]) for number in trailing]
    chosen = next(
        (i for i, margin in enumerate(margins) if margin >= _LEAST_MARGIN_SHARE * ballots),
        len(margins) - 1,
    )
    return Scene(seed, city, honest, numbers.taken, trailing[chosen], last, margins[chosen])
