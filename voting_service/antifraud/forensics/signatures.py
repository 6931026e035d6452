"""Ballot signatures: sets of names that occur together far more often than their parts predict.

Bought ballots are padded with other names so as not to show; padded by one list, they are all the
same. Where the bought candidate is popular, the list shows what the candidate's own figures do
not. A list says nothing of fraud by itself: fans have one, an employer hands one out. It is only
something that a network or a device may favour.

If the names of a ballot of k names were independent of each other, it would hold the set S with
the probability ∏ w / e_k(w), where w are the odds of each name among ballots of k names and e_k
the elementary symmetric polynomial (conditional Poisson sampling, Hájek 1964).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import Int16s, Int32s, Int64s
from voting_service.antifraud.forensics.prepare import (
    Ballots,
    Floats,
    Votes,
    first_rows,
    joined,
    votes_of,
)
from voting_service.antifraud.forensics.thresholds import (
    LEAST_CAMPAIGN_VOTERS,
    LEAST_NAMES,
    MOST_SIGNATURES,
    SIGNATURE_LIFT,
)

_NAMES_COUNTED = 64
"""Ballots with more names have no signature."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """The sets that stand out, and who cast them; target i of the votes is the set i."""

    votes: Votes
    names: tuple[tuple[int, ...], ...]
    """Dense candidates of each set, the least chosen first."""


def signatures_of(ballots: Ballots, starts: Int32s) -> Signatures:
    """Sets of at least LEAST_NAMES names, cast by SIGNATURE_LIFT times as many voters as their
    names predict; `starts` as in Votes."""
    counts = np.diff(starts)
    rows = np.flatnonzero((counts >= LEAST_NAMES) & (counts <= _NAMES_COUNTED)).astype(np.int32)
    sets = _codes(ballots, starts, rows)
    voters, order = _voters(ballots, rows, sets)
    first = rows[first_rows(sets)]
    likely = np.flatnonzero(voters >= LEAST_CAMPAIGN_VOTERS)
    expected = _expected(ballots, starts, rows[order], first[likely])
    lift = voters[likely] / np.maximum(expected, 1e-9)
    likely, lift = likely[lift >= SIGNATURE_LIFT], lift[lift >= SIGNATURE_LIFT]
    chosen = likely[np.lexsort((likely, -voters[likely] * np.log(lift)))[:MOST_SIGNATURES]]
    number = np.full(len(voters), -1, dtype=np.int16)
    number[chosen] = np.arange(len(chosen), dtype=np.int16)
    theirs = number[sets] >= 0
    popularity = np.bincount(ballots.choice, minlength=ballots.candidates)
    names = tuple(
        tuple(sorted(_names(ballots, starts, row), key=lambda name: (popularity[name], name)))
        for row in first[chosen].tolist()
    )
    return Signatures(
        votes_of(rows[theirs], number[sets[theirs]], len(chosen), len(ballots)), names
    )


def _names(ballots: Ballots, starts: Int32s, row: int) -> list[int]:
    return [int(name) for name in ballots.choice[starts[row] : starts[row + 1]]]


def _codes(ballots: Ballots, starts: Int32s, rows: Int32s) -> Int32s:
    """A dense code for the set of names of each row, by a hash that no order of names changes."""
    rng = np.random.default_rng(0)
    word = rng.integers(0, 2**63, ballots.candidates, dtype=np.uint64)
    total = np.zeros(len(ballots.choice) + 1, dtype=np.uint64)
    np.cumsum(word[ballots.choice], out=total[1:])  # wraps, and so do the differences
    sums = total[starts[rows + 1]] - total[starts[rows]]
    codes: Int32s = np.unique(sums, return_inverse=True)[1].astype(np.int32)
    return codes


def _voters(ballots: Ballots, rows: Int32s, sets: Int32s) -> tuple[Int64s, Int32s]:
    """(how many voters cast each set, a place in `rows` for each voter and set)."""
    pair = sets.astype(np.int64) << 32 | ballots.voter[rows]
    once = np.unique(pair, return_index=True)[1]
    return np.bincount(sets[once], minlength=1), once.astype(np.int32)


def _expected(ballots: Ballots, starts: Int32s, rows: Int32s, sets: Int32s) -> Floats:
    """How many of `rows` would hold the names of each row of `sets` if names were independent."""
    counts = np.diff(starts)
    size = counts[rows]
    expected = np.zeros(len(sets))
    for names in np.unique(counts[sets]):
        alike = rows[size == names]
        chosen: Int16s = joined(ballots.choice, starts[alike], counts[alike])
        share = np.bincount(chosen, minlength=ballots.candidates) / len(alike)
        share = share.clip(1e-9, 1.0 - 1e-9)
        odds = share / (1.0 - share)
        whole = _elementary(odds, int(names))
        for place in np.flatnonzero(counts[sets] == names):
            mine = _names(ballots, starts, int(sets[place]))
            expected[place] = len(alike) * float(np.prod(odds[mine])) / whole
    return expected


def _elementary(odds: npt.NDArray[np.float64], degree: int) -> float:
    """The elementary symmetric polynomial of the degree."""
    sums = np.zeros(degree + 1)
    sums[0] = 1.0
    for each in odds:
        sums[1:] += each * sums[:-1].copy()
    return float(sums[degree])
