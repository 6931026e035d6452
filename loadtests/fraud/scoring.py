"""The score of a method on one simulated contest."""

from __future__ import annotations

import msgspec
import numpy as np

from loadtests.fraud.city import CANDIDATES, SEATS
from loadtests.fraud.methods import BLOC, FORENSICS, HOLD, Verdicts, to_columns
from loadtests.fraud.records import FIRST_ATTACK, Ballots, Bools, Column, Ints, Truth, places, votes
from loadtests.fraud.voting_times import ZONE
from voting_service.antifraud.forensics.findings import Findings
from voting_service.antifraud.forensics.seats import assess_seats
from voting_service.antifraud.forensics.thresholds import ESCAPED_SHARE, WRONGLY_HELD_SHARE


class Case(msgspec.Struct, frozen=True):
    """A simulated contest: seed, attack and size."""

    seed: int
    attack: str
    multiple: float


class Score(msgspec.Struct, frozen=True):
    """The result of one method on one contest; counts of ballots by the name of their truth."""

    method: str
    seed: int
    attack: str  # A1 to A14, empty for the honest vote alone
    multiple: float
    cast: dict[str, int]
    held: dict[str, int]
    blocs: dict[str, int]
    wrong_seats: int
    doubtful_seats: int
    """Seats reported as not certifiable; all of them, where a rule knows only the whole cut."""
    unwarned_seats: int
    """Wrong seats that were not reported."""
    seconds: float

    @property
    def case(self) -> Case:
        return Case(self.seed, self.attack, self.multiple)


def score(case: Case, method: str, ballots: Ballots, verdict: Verdicts, seconds: float) -> Score:
    """Compare a verdict with the truth."""
    honest = ballots.truth < FIRST_ATTACK
    counted = votes(ballots.choices[verdict != HOLD], CANDIDATES)
    true_seats = seated(votes(ballots.choices[honest], CANDIDATES))
    wrong = seated(counted) - true_seats
    doubtful = doubtful_seats(method, ballots, verdict)
    return Score(
        method=method,
        seed=case.seed,
        attack=case.attack,
        multiple=case.multiple,
        cast=_by_truth(ballots, np.ones(len(ballots), dtype=np.bool_)),
        held=_by_truth(ballots, verdict == HOLD),
        blocs=_by_truth(ballots, verdict == BLOC),
        wrong_seats=len(wrong),
        doubtful_seats=len(doubtful),
        unwarned_seats=len(wrong - doubtful),
        seconds=seconds,
    )


def seated(counted: Column) -> set[int]:
    """Return the numbers of the candidates who have a seat."""
    return set(places(counted)[:SEATS].tolist())


def doubtful_seats(method: str, ballots: Ballots, verdict: Verdicts) -> set[int]:
    """Return the numbers of the candidates whose seats are reported as not certifiable.

    The forensics reports single seats; a simple rule puts all in doubt unless `certifiable`.
    """
    if method == FORENSICS:
        none = np.full(len(ballots), -1, dtype=np.int32)
        findings = Findings(verdict, np.zeros(len(ballots), dtype=np.float32), none)
        seats = assess_seats(to_columns(ballots), findings, SEATS, ZONE)
        return {seat.number for seat in seats if not seat.certifiable}
    counted = votes(ballots.choices[verdict != HOLD], CANDIDATES)
    held = votes(ballots.choices[verdict == HOLD], CANDIDATES)
    return set() if certifiable(counted, held) else seated(counted)


def certifiable(counted: Ints, held: Ints) -> bool:
    """Whether the seats stay the same if some fraud was missed and some honest votes were held.

    Every seated candidate, less the votes that may have escaped, must stay ahead of every other
    candidate, plus the votes that may have been held wrongly.
    """
    inside = places(counted)[:SEATS] - 1
    others = np.setdiff1d(np.arange(len(counted)), inside)
    lowest = (counted - ESCAPED_SHARE * held)[inside].min()
    highest = (counted + WRONGLY_HELD_SHARE * held)[others].max()
    return bool(lowest > highest)


def _by_truth(ballots: Ballots, which: Bools) -> dict[str, int]:
    counts = np.bincount(ballots.truth[which], minlength=max(Truth) + 1)
    return {truth.name: int(counts[truth]) for truth in Truth if counts[truth]}
