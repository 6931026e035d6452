"""The conditional scan: which value of an attribute favours a target more than its hours explain.

A cell is (value of the attribute, window, target). With n voters of the value in the window who
chose the target and E = Σ p(target | hour, platform) over all its voters in the window, the
log-likelihood ratio is n ln(n/E) − (n − E) (Kulldorff 1997, Poisson model). Both margins within
the hour are given: a crowded address or a popular phone has a large E, a television burst a
large p.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

from voting_service.antifraud.forensics.columns import Int32s, Int64s
from voting_service.antifraud.forensics.prepare import Ballots, Bools, Floats, Votes, summed
from voting_service.antifraud.forensics.rates import Rates
from voting_service.antifraud.forensics.thresholds import LEAST_GROUP, LEAST_VOTERS, WINDOWS_SECONDS

WINDOWS_MS = tuple(None if w is None else w * 1_000 for w in WINDOWS_SECONDS)
_DENSE_CELLS = 4_000_000
"""How many group × target expectations are held at once."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Tested cells with more than is expected."""

    value: Int32s
    target: Int32s
    window_start: Int64s
    observed: Floats
    expected: Floats
    log_p: Floats
    """Natural logarithm of the Poisson tail."""
    tests: int
    """How many cells there were to test, seen or not."""

    def __len__(self) -> int:
        return len(self.value)


@dataclass(frozen=True, slots=True)
class Question:
    """What every attribute is asked: who is active, what is usual, and who counts how much."""

    ballots: Ballots
    votes: Votes
    rates: Rates
    active: Bools
    weights: Mapping[int | None, Floats]
    """By window in milliseconds (None: the whole file): one divided by how many ballots the voter
    cast in the window, so that voters count and not ballots."""
    when: Mapping[int | None, Int32s]
    """The number of the window that each ballot is in."""


def question(ballots: Ballots, votes: Votes, rates: Rates, active: Bools) -> Question:
    """The question in every window."""
    order = np.argsort(ballots.voter, kind="stable")
    order = order[active[order]]
    when = {window: _window_of(ballots.cast_at, window) for window in WINDOWS_MS}
    weights = {window: _window_weights(ballots, when[window], order) for window in WINDOWS_MS}
    return Question(ballots, votes, rates, active, weights, when)


def _window_weights(ballots: Ballots, when: Int32s, by_voter: Int64s) -> Floats:
    run = np.cumsum(_changes(ballots.voter[by_voter]) | _changes(when[by_voter]))
    weights = np.zeros(len(ballots))
    weights[by_voter] = (1.0 / np.maximum(np.bincount(run), 1))[run]
    return weights


def scan(asked: Question, attribute: Int32s) -> dict[int | None, Cells]:
    """The cells of one attribute in every window.

    Attribute −1 is left out, and so is every value with fewer than LEAST_GROUP ballots.
    """
    votes = asked.votes
    # Pairs of value and target with too few votes in all have no cell in any window.
    usable = asked.active & (attribute >= 0)
    values = int(attribute.max(initial=-1)) + 1
    large = np.bincount(attribute[usable], minlength=values + 1) >= LEAST_GROUP
    usable &= large[attribute]
    voted = np.flatnonzero(usable[votes.row])
    key = attribute[votes.row[voted]].astype(np.int64) * votes.targets + votes.target[voted]
    order = np.argsort(key, kind="stable")
    pair = np.cumsum(_changes(key[order]))
    voted = voted[order[(np.bincount(pair, minlength=1) >= LEAST_VOTERS)[pair]]]
    needed = np.zeros(values + 1, dtype=bool)
    needed[attribute[votes.row[voted]]] = True
    rows = np.flatnonzero(usable & needed[attribute])
    rows = rows[np.argsort(attribute[rows], kind="stable")]
    left_out = int(np.count_nonzero(large)) - int(np.count_nonzero(needed))
    ordered = _Ordered(
        attribute=attribute,
        rows=rows,
        new_value=_changes(attribute[rows]),
        voted=voted,
        voted_row=votes.row[voted],
        new_pair=_changes(attribute[votes.row[voted]]) | _changes(votes.target[voted]),
        left_out=left_out,
    )
    return {window: _scan_window(asked, ordered, window) for window in asked.weights}


@dataclass(frozen=True, slots=True)
class _Ordered:
    """An attribute with its ballots by value and time, its votes by value, target and time."""

    attribute: Int32s
    rows: Int64s
    new_value: Bools
    voted: Int64s
    voted_row: Int32s
    new_pair: Bools
    left_out: int
    """Values that were tested and cannot have a cell."""


def _scan_window(asked: Question, ordered: _Ordered, window: int | None) -> Cells:
    # Groups (value, window) are runs of `rows`; cells (value, target, window) runs of `voted`.
    votes, rows, voted = asked.votes, ordered.rows, ordered.voted
    attribute, weight, voted_row = ordered.attribute, asked.weights[window], ordered.voted_row
    when = asked.when[window]
    group = np.cumsum(ordered.new_value | _changes(when[rows])) - 1
    begins = ordered.new_pair | _changes(when[voted_row])
    cell = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    observed = summed(cell, weight[voted_row])
    testable = np.flatnonzero(observed >= LEAST_VOTERS - 1e-9)
    group_of_row = np.empty(len(asked.ballots), dtype=np.int64)
    group_of_row[rows] = group
    large = (np.bincount(group, minlength=1) >= LEAST_GROUP)[group_of_row[votes.row[voted[first]]]]
    testable = testable[large[testable]]
    head = voted[first[testable]]
    margin = _margin(group, asked.ballots.stratum[rows], weight[rows], len(asked.rates))
    expected = _expected(margin, asked.rates, group_of_row[votes.row[head]], votes.target[head])
    seen = observed[testable]
    more = seen > expected
    head = head[more]
    groups_tested = np.count_nonzero(np.bincount(group, minlength=1) >= LEAST_GROUP)
    return Cells(
        value=attribute[votes.row[head]],
        target=votes.target[head],
        window_start=when[votes.row[head]].astype(np.int64) * (window or 0),
        observed=seen[more],
        expected=expected[more],
        log_p=poisson_log_tail(seen[more], expected[more]),
        tests=int(groups_tested + ordered.left_out) * votes.targets,
    )


def poisson_log_tail(observed: Floats, expected: Floats) -> Floats:
    """ln P(N ≥ observed) for N Poisson with mean `expected`; `observed` need not be whole."""
    tail = special.gammainc(observed, np.maximum(expected, 1e-12))
    # Below what a float can hold: the Chernoff bound, which is the likelihood ratio.
    bound = -(observed * np.log(observed / np.maximum(expected, 1e-12)) - (observed - expected))
    with np.errstate(divide="ignore"):
        return np.where(tail > 1e-280, np.log(tail), bound)


def _window_of(cast_at: Int64s, window_ms: int | None) -> Int32s:
    """Counted from 1970; cells take their start from it."""
    if window_ms is None:
        return np.zeros(len(cast_at), dtype=np.int32)
    return (cast_at // window_ms).astype(np.int32)


def _changes(values: npt.NDArray[np.integer]) -> Bools:
    """Where a value differs from the one before; true for the first."""
    changes = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def _margin(group: Int64s, stratum: Int32s, weight: Floats, strata: int) -> sparse.csr_array:
    """groups × strata: how many voters of a group vote in a stratum. `group` ascends."""
    groups = int(group[-1]) + 1 if len(group) else 0
    starts = np.searchsorted(group, np.arange(groups + 1))
    return sparse.csr_array((weight.astype(np.float32), stratum, starts), shape=(groups, strata))


def _expected(
    margin: sparse.csr_array, rates: Rates, cell_group: Int64s, cell_target: Int32s
) -> Floats:
    """E of each cell (group, target): the groups that have a cell, times the rates."""
    expected = np.zeros(len(cell_group))
    needed, dense = np.unique(cell_group, return_inverse=True)
    order = np.argsort(dense, kind="stable")
    step = max(1, _DENSE_CELLS // max(rates.shape[1], 1))
    for begin in range(0, len(needed), step):
        product = margin[needed[begin : begin + step]] @ rates
        low, high = np.searchsorted(dense[order], (begin, begin + step))
        cells = order[low:high]
        expected[cells] = product[dense[cells] - begin, cell_target[cells]]
    return expected
