"""Ballot signatures: sets of candidates that occur far more often than their popularity predicts.

Bought ballots choose other candidates too, as camouflage; where these come from one list, the
ballots are all the same. If the bought candidate is popular, the list shows what the candidate's
own figures do not. A list alone does not indicate fraud: fans have one, an employer hands one out.
It is a target that a network or a device may favour.

If the candidates of a ballot of k candidates were independent of each other, it would contain the
set S with the probability ∏ w / e_k(w), where w are the odds of each candidate among ballots of k
candidates and e_k the elementary symmetric polynomial (conditional Poisson sampling, Hájek 1964).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import (
    Int16s,
    Int32s,
    Int64s,
)
from voting_service.antifraud.forensics.prepare import (
    Ballots,
    Floats,
    Votes,
    first_rows,
    gather,
    make_votes,
)
from voting_service.antifraud.forensics.thresholds import (
    MAX_SIGNATURES,
    MIN_CAMPAIGN_VOTERS,
    MIN_SIGNATURE_CANDIDATES,
    MIN_SIGNATURE_LIFT,
)

_MAX_CANDIDATES = 64
"""Ballots with more candidates have no signature."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """The sets that occur too often, and their votes; target i of the votes is the set i."""

    votes: Votes
    names: tuple[tuple[int, ...], ...]
    """Dense candidates of each set, the least chosen first."""


def find_signatures(ballots: Ballots, starts: Int32s) -> Signatures:
    """Return the sets of at least MIN_SIGNATURE_CANDIDATES candidates with MIN_SIGNATURE_LIFT times
    as many voters as predicted; `starts` as in Votes."""
    counts = np.diff(starts)
    rows = np.flatnonzero(
        (counts >= MIN_SIGNATURE_CANDIDATES) & (counts <= _MAX_CANDIDATES)
    ).astype(np.int32)
    sets = _codes(ballots, starts, rows)
    voters, order = _voters(ballots, rows, sets)
    first = rows[first_rows(sets)]
    common = np.flatnonzero(voters >= MIN_CAMPAIGN_VOTERS)
    expected = _expected(ballots, starts, rows[order], first[common])
    lift = voters[common] / np.maximum(expected, 1e-9)
    common, lift = common[lift >= MIN_SIGNATURE_LIFT], lift[lift >= MIN_SIGNATURE_LIFT]
    chosen = common[np.lexsort((common, -voters[common] * np.log(lift)))[:MAX_SIGNATURES]]
    number = np.full(len(voters), -1, dtype=np.int16)
    number[chosen] = np.arange(len(chosen), dtype=np.int16)
    has_signature = number[sets] >= 0
    popularity = np.bincount(ballots.choice, minlength=ballots.candidates)
    names = tuple(
        tuple(sorted(_names(ballots, starts, row), key=lambda name: (popularity[name], name)))
        for row in first[chosen].tolist()
    )
    return Signatures(
        make_votes(rows[has_signature], number[sets[has_signature]], len(chosen), len(ballots)),
        names,
    )


def _names(ballots: Ballots, starts: Int32s, row: int) -> list[int]:
    return [int(name) for name in ballots.choice[starts[row] : starts[row + 1]]]


def _codes(ballots: Ballots, starts: Int32s, rows: Int32s) -> Int32s:
    """Return a dense code for the set of candidates of each row, by an order-independent hash."""
    rng = np.random.default_rng(0)
    word = rng.integers(0, 2**63, ballots.candidates, dtype=np.uint64)
    total = np.zeros(len(ballots.choice) + 1, dtype=np.uint64)
    np.cumsum(word[ballots.choice], out=total[1:])  # wraps, and so do the differences
    sums = total[starts[rows + 1]] - total[starts[rows]]
    codes: Int32s = np.unique(sums, return_inverse=True)[1].astype(np.int32)
    return codes


def _voters(ballots: Ballots, rows: Int32s, sets: Int32s) -> tuple[Int64s, Int32s]:
    """Return (voters of each set, an index into `rows` for each voter and set)."""
    pair = sets.astype(np.int64) << 32 | ballots.voter[rows]
    once = np.unique(pair, return_index=True)[1]
    return np.bincount(sets[once], minlength=1), once.astype(np.int32)


def _expected(ballots: Ballots, starts: Int32s, rows: Int32s, sets: Int32s) -> Floats:
    """Return how many of `rows` would have the set of each row of `sets` by chance."""
    counts = np.diff(starts)
    size = counts[rows]
    expected = np.zeros(len(sets))
    for names in np.unique(counts[sets]):
        alike = rows[size == names]
        chosen: Int16s = gather(ballots.choice, starts[alike], counts[alike])
        share = np.bincount(chosen, minlength=ballots.candidates) / len(alike)
        share = share.clip(1e-9, 1.0 - 1e-9)
        odds = share / (1.0 - share)
        whole = _elementary(odds, int(names))
        for place in np.flatnonzero(counts[sets] == names):
            candidates = _names(ballots, starts, int(sets[place]))
            expected[place] = len(alike) * float(np.prod(odds[candidates])) / whole
    return expected


def _elementary(odds: npt.NDArray[np.float64], degree: int) -> float:
    """Return the elementary symmetric polynomial of the degree."""
    sums = np.zeros(degree + 1)
    sums[0] = 1.0
    for odd in odds:
        sums[1:] += odd * sums[:-1].copy()
    return float(sums[degree])
