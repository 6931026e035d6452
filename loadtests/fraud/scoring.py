"""The score of a method on one simulated contest."""

from __future__ import annotations

import msgspec
import numpy as np

from loadtests.fraud.city import CANDIDATES, SEATS
from loadtests.fraud.methods import BLOC, HOLD, Verdicts
from loadtests.fraud.records import FIRST_ATTACK, Ballots, Bools, Column, Ints, Truth, places, votes

ESCAPED_SHARE = 0.25
WRONGLY_HELD_SHARE = 0.10
"""Errors that a certificate allows for: a quarter as many ballots as were held may have escaped
(recall 0.8), and a tenth of those held may be honest (precision 0.9)."""


class Case(msgspec.Struct, frozen=True):
    """A simulated contest: seed, attack and size."""

    seed: int
    attack: str
    multiple: float


class Score(msgspec.Struct, frozen=True):
    """The result of one method on one contest; counts of ballots by the name of their truth."""

    method: str
    seed: int
    attack: str  # A1 to A9, empty for the honest vote alone
    multiple: float
    cast: dict[str, int]
    held: dict[str, int]
    blocs: dict[str, int]
    wrong_seats: int
    certifiable: bool
    seconds: float

    @property
    def case(self) -> Case:
        return Case(self.seed, self.attack, self.multiple)


def score(case: Case, method: str, ballots: Ballots, verdict: Verdicts, seconds: float) -> Score:
    """Compare a verdict with the truth."""
    honest = ballots.truth < FIRST_ATTACK
    counted = votes(ballots.choices[verdict != HOLD], CANDIDATES)
    held = votes(ballots.choices[verdict == HOLD], CANDIDATES)
    return Score(
        method=method,
        seed=case.seed,
        attack=case.attack,
        multiple=case.multiple,
        cast=_by_truth(ballots, np.ones(len(ballots), dtype=np.bool_)),
        held=_by_truth(ballots, verdict == HOLD),
        blocs=_by_truth(ballots, verdict == BLOC),
        wrong_seats=wrong_seats(votes(ballots.choices[honest], CANDIDATES), counted),
        certifiable=certifiable(counted, held),
        seconds=seconds,
    )


def wrong_seats(truth: Column, counted: Column) -> int:
    """Count the seats of candidates who would have none without fraud."""
    return len(set(places(counted)[:SEATS].tolist()) - set(places(truth)[:SEATS].tolist()))


def certifiable(counted: Ints, held: Ints) -> bool:
    """Whether the seats stay the same if some fraud was missed and some honest votes were held.

    Every seated candidate, less the votes that may have escaped, must stay ahead of every other
    candidate, plus the votes that may have been held wrongly.
    """
    seated = places(counted)[:SEATS] - 1
    others = np.setdiff1d(np.arange(len(counted)), seated)
    lowest = (counted - ESCAPED_SHARE * held)[seated].min()
    highest = (counted + WRONGLY_HELD_SHARE * held)[others].max()
    return bool(lowest > highest)


def _by_truth(ballots: Ballots, which: Bools) -> dict[str, int]:
    counts = np.bincount(ballots.truth[which], minlength=max(Truth) + 1)
    return {truth.name: int(counts[truth]) for truth in Truth if counts[truth]}
