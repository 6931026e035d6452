"""The conditional scan: which value of an attribute favours a target more than its hours explain.

A cell is (value of the attribute, window, target). With n voters of the value in the window who
chose the target and E = Σ p(target | hour, platform) over all its voters in the window, the
log-likelihood ratio is n ln(n/E) − (n − E) (Kulldorff 1997, Poisson model). Both margins within
the hour are given: a crowded address or a popular phone has a large E, a television burst a
large p.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

from voting_service.antifraud.forensics.columns import Int16s, Int32s, Int64s
from voting_service.antifraud.forensics.prepare import (
    Ballots,
    Bools,
    Floats,
    Votes,
    places_of,
    summed,
)
from voting_service.antifraud.forensics.rates import Rates
from voting_service.antifraud.forensics.thresholds import (
    LEAST_GROUP,
    LEAST_VOTERS,
    TAIL_FROM,
    WINDOWS_SECONDS,
)

WINDOWS_MS = tuple(None if w is None else w * 1_000 for w in WINDOWS_SECONDS)
_DENSE_CELLS = 4_000_000
"""How many group × target expectations are held at once."""
_BLOCK_VOTES = 3_000_000
"""About so many ballots and votes are scanned at once, more if one value has more."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Tested cells with so much more than is expected that they may matter: what is likelier
    than e to −TAIL_FROM is neither a discovery nor a hint, and calibrates nothing."""

    value: Int32s
    target: Int16s
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
    times: Mapping[int | None, Int32s]
    """By window in milliseconds (None: the whole file): how many ballots the voter of each active
    ballot cast in the window. Each weighs one divided by it: voters count and not ballots."""


def question(ballots: Ballots, votes: Votes, rates: Rates, active: Bools) -> Question:
    """The question in every window."""
    order = np.argsort(ballots.voter, kind="stable").astype(np.int32)
    order = order[active[order]]
    times = {window: _times(ballots, window, order) for window in WINDOWS_MS}
    return Question(ballots, votes, rates, active, times)


def _times(ballots: Ballots, window: int | None, by_voter: Int32s) -> Int32s:
    begins = _changes(ballots.voter[by_voter])
    begins |= _changes(_window_of(ballots.cast_at[by_voter], window))
    size = np.diff(np.flatnonzero(begins), append=len(by_voter)).astype(np.int32)
    times = np.ones(len(ballots), dtype=np.int32)
    times[by_voter] = np.repeat(size, size)
    return times


def scan(asked: Question, attribute: Int32s) -> dict[int | None, Cells]:
    """The cells of one attribute in every window, values in blocks so that memory is bounded.

    Attribute −1 is left out, and so is every value with fewer than LEAST_GROUP ballots.
    """
    usable = asked.active & (attribute >= 0)
    values = int(attribute.max(initial=-1)) + 1
    large = np.bincount(attribute[usable], minlength=values + 1) >= LEAST_GROUP
    voted = summed(attribute[usable], np.diff(asked.votes.starts)[usable], values + 1)
    worth = large & (voted >= LEAST_VOTERS)
    left_out = (int(np.count_nonzero(large)) - int(np.count_nonzero(worth))) * asked.votes.targets
    usable &= worth[attribute]
    rows = np.flatnonzero(usable).astype(np.int32)
    rows = rows[np.argsort(attribute[rows], kind="stable")]
    parts = [_scan_block(asked, attribute, block) for block in _blocks(asked, attribute, rows)]
    return {window: _whole([part[window] for part in parts], left_out) for window in asked.times}


def _blocks(asked: Question, attribute: Int32s, rows: Int32s) -> Iterator[Int32s]:
    """The rows with all those of a value in one block; at least one block."""
    first = np.flatnonzero(_changes(attribute[rows]))
    votes = np.cumsum(asked.votes.starts[rows + 1] - asked.votes.starts[rows], dtype=np.int64)
    block = (votes[first] + first) // _BLOCK_VOTES
    return iter(np.split(rows, first[1:][block[1:] != block[:-1]]))


@dataclass(frozen=True, slots=True)
class _Block:
    """Ballots by value and time, and their votes by value, target and time."""

    value: Int32s
    """Of each ballot; so are the stratum and the time."""
    stratum: Int32s
    cast_at: Int64s
    rows: Int32s
    new_value: Bools
    voter: Int32s
    """Place in `rows` of each vote; so are its target and whether value or target are new."""
    target: Int16s
    new_pair: Bools
    left_out: int
    """Values that were tested and cannot have a cell."""


def _scan_block(asked: Question, attribute: Int32s, rows: Int32s) -> dict[int | None, Cells]:
    value = attribute[rows]
    starts = asked.votes.starts[rows]
    counts = asked.votes.starts[rows + 1] - starts
    target = asked.votes.target[places_of(starts, counts)]
    place = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
    key = (value[place] - value[:1]).astype(np.int64) * asked.votes.targets + target
    order = np.argsort(key, kind="stable")
    # Pairs of value and target with too few votes in all have no cell in any window.
    pair = np.cumsum(_changes(key[order]), dtype=np.int32)
    order = order[(np.bincount(pair, minlength=1) >= LEAST_VOTERS)[pair]]
    place, target = place[order], target[order]
    run = np.cumsum(_changes(value)) - 1
    needed = np.zeros(int(run[-1]) + 1 if len(run) else 0, dtype=bool)
    needed[run[place]] = True
    kept = needed[run]
    place = (np.cumsum(kept, dtype=np.int32) - 1)[place]
    rows, value = rows[kept], value[kept]
    block = _Block(
        value=value,
        stratum=asked.ballots.stratum[rows],
        cast_at=asked.ballots.cast_at[rows],
        rows=rows,
        new_value=_changes(value),
        voter=place,
        target=target,
        new_pair=_changes(value[place]) | _changes(target),
        left_out=len(needed) - int(np.count_nonzero(needed)),
    )
    return {window: _scan_window(asked, block, window) for window in asked.times}


def _scan_window(asked: Question, block: _Block, window: int | None) -> Cells:
    # Groups (value, window) are runs of ballots; cells (value, target, window) runs of votes.
    when = _window_of(block.cast_at, window)
    weight = 1.0 / asked.times[window][block.rows]
    group = np.cumsum(block.new_value | _changes(when)) - 1
    begins = block.new_pair | _changes(when[block.voter])
    cell = np.cumsum(begins) - 1
    head = block.voter[begins]
    observed = summed(cell, weight[block.voter])
    size = np.bincount(group, minlength=1)
    testable = np.flatnonzero(
        (observed >= LEAST_VOTERS - 1e-9) & (size >= LEAST_GROUP)[group[head]]
    )
    head, target = head[testable], block.target[begins][testable]
    margin = _margin(group, block.stratum, weight, len(asked.rates))
    expected = _expected(margin, asked.rates, group[head], target)
    seen = observed[testable]
    log_p = poisson_log_tail(seen, expected)
    telling = (seen > expected) & (log_p < -TAIL_FROM)
    head = head[telling]
    return Cells(
        value=block.value[head],
        target=target[telling],
        window_start=when[head].astype(np.int64) * (window or 0),
        observed=seen[telling],
        expected=expected[telling],
        log_p=log_p[telling],
        tests=(int(np.count_nonzero(size >= LEAST_GROUP)) + block.left_out) * asked.votes.targets,
    )


def _whole(parts: Sequence[Cells], left_out: int) -> Cells:
    """The cells of all parts; `left_out` tests had none."""

    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    names = [each.name for each in fields(Cells) if each.name != "tests"]
    return Cells(
        **{name: column(name) for name in names}, tests=left_out + sum(part.tests for part in parts)
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
    margin: sparse.csr_array, rates: Rates, cell_group: Int64s, cell_target: Int16s
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
