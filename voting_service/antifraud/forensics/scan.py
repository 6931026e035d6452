"""The conditional scan: values of an attribute with more votes for a target than expected.

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

from voting_service.antifraud.forensics.columns import (
    Int16s,
    Int32s,
    Int64s,
)
from voting_service.antifraud.forensics.prepare import (
    Ballots,
    Bools,
    Floats,
    Votes,
    expand_ranges,
    sum_by_code,
)
from voting_service.antifraud.forensics.rates import Rates
from voting_service.antifraud.forensics.thresholds import (
    MIN_GROUP_BALLOTS,
    MIN_VOTERS,
    TAIL_START,
    WINDOWS_SECONDS,
)

WINDOWS_MS = tuple(None if w is None else w * 1_000 for w in WINDOWS_SECONDS)
_DENSE_CELLS = 4_000_000
"""How many group × target expectations are held at once."""
_BLOCK_VOTES = 3_000_000
"""About so many ballots and votes are scanned at once, more if one value has more."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Tested cells with ln p below −TAIL_START: no other cell is a discovery or a hint, or is used
    for calibration."""

    value: Int32s
    target: Int16s
    window_start: Int64s
    observed: Floats
    expected: Floats
    log_p: Floats
    """Natural logarithm of the Poisson tail."""
    tests: int
    """Number of cells tested, with those that are not listed."""

    def __len__(self) -> int:
        return len(self.value)


@dataclass(frozen=True, slots=True)
class ScanContext:
    """What every scan uses: active ballots, expected rates, and the weights of voters."""

    ballots: Ballots
    votes: Votes
    rates: Rates
    active: Bools
    times: Mapping[int | None, Int32s]
    """By window in milliseconds (None: the whole file): how many ballots the voter of each active
    ballot cast in the window. A ballot weighs one divided by it, so that voters are counted."""


def prepare_scan(ballots: Ballots, votes: Votes, rates: Rates, active: Bools) -> ScanContext:
    """Return the context of a scan, with the weights in every window."""
    order = np.argsort(ballots.voter, kind="stable").astype(np.int32)
    order = order[active[order]]
    times = {window: _times(ballots, window, order) for window in WINDOWS_MS}
    return ScanContext(ballots, votes, rates, active, times)


def _times(ballots: Ballots, window: int | None, by_voter: Int32s) -> Int32s:
    begins = _is_new(ballots.voter[by_voter])
    begins |= _is_new(_window_numbers(ballots.cast_at[by_voter], window))
    size = np.diff(np.flatnonzero(begins), append=len(by_voter)).astype(np.int32)
    times = np.ones(len(ballots), dtype=np.int32)
    times[by_voter] = np.repeat(size, size)
    return times


def scan(context: ScanContext, attribute: Int32s) -> dict[int | None, Cells]:
    """Return the cells of one attribute in every window, in blocks so that memory is bounded.

    Attribute −1 is left out, and so is every value with fewer than MIN_GROUP_BALLOTS ballots.
    """
    usable = context.active & (attribute >= 0)
    values = int(attribute.max(initial=-1)) + 1
    large = np.bincount(attribute[usable], minlength=values + 1) >= MIN_GROUP_BALLOTS
    voted = sum_by_code(attribute[usable], np.diff(context.votes.starts)[usable], values + 1)
    testable = large & (voted >= MIN_VOTERS)
    left_out = (
        int(np.count_nonzero(large)) - int(np.count_nonzero(testable))
    ) * context.votes.targets
    usable &= testable[attribute]
    rows = np.flatnonzero(usable).astype(np.int32)
    rows = rows[np.argsort(attribute[rows], kind="stable")]
    parts = [_scan_block(context, attribute, block) for block in _blocks(context, attribute, rows)]
    return {
        window: _join_cells([part[window] for part in parts], left_out) for window in context.times
    }


def _blocks(context: ScanContext, attribute: Int32s, rows: Int32s) -> Iterator[Int32s]:
    """Split the rows into at least one block; all rows of a value are in one block."""
    first = np.flatnonzero(_is_new(attribute[rows]))
    votes = np.cumsum(context.votes.starts[rows + 1] - context.votes.starts[rows], dtype=np.int64)
    block = (votes[first] + first) // _BLOCK_VOTES
    return iter(np.split(rows, first[1:][block[1:] != block[:-1]]))


@dataclass(frozen=True, slots=True)
class _Block:
    """Ballots by value and time, and their votes by value, target and time."""

    value: Int32s
    """Of each ballot, like the stratum and the time."""
    stratum: Int32s
    cast_at: Int64s
    rows: Int32s
    new_value: Bools
    voter: Int32s
    """Index into `rows` of each vote; also by vote: target, and whether value or target is new."""
    target: Int16s
    new_pair: Bools
    left_out: int
    """Number of values that were tested and cannot have a cell."""


def _scan_block(context: ScanContext, attribute: Int32s, rows: Int32s) -> dict[int | None, Cells]:
    value = attribute[rows]
    starts = context.votes.starts[rows]
    counts = context.votes.starts[rows + 1] - starts
    target = context.votes.target[expand_ranges(starts, counts)]
    place = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
    key = (value[place] - value[:1]).astype(np.int64) * context.votes.targets + target
    order = np.argsort(key, kind="stable")
    # Pairs of value and target with too few votes in all have no cell in any window.
    pair = np.cumsum(_is_new(key[order]), dtype=np.int32)
    order = order[(np.bincount(pair, minlength=1) >= MIN_VOTERS)[pair]]
    place, target = place[order], target[order]
    run = np.cumsum(_is_new(value)) - 1
    needed = np.zeros(int(run[-1]) + 1 if len(run) else 0, dtype=bool)
    needed[run[place]] = True
    kept = needed[run]
    place = (np.cumsum(kept, dtype=np.int32) - 1)[place]
    rows, value = rows[kept], value[kept]
    block = _Block(
        value=value,
        stratum=context.ballots.stratum[rows],
        cast_at=context.ballots.cast_at[rows],
        rows=rows,
        new_value=_is_new(value),
        voter=place,
        target=target,
        new_pair=_is_new(value[place]) | _is_new(target),
        left_out=len(needed) - int(np.count_nonzero(needed)),
    )
    return {window: _scan_window(context, block, window) for window in context.times}


def _scan_window(context: ScanContext, block: _Block, window: int | None) -> Cells:
    # Groups (value, window) are runs of ballots; cells (value, target, window) runs of votes.
    when = _window_numbers(block.cast_at, window)
    weight = 1.0 / context.times[window][block.rows]
    group = np.cumsum(block.new_value | _is_new(when)) - 1
    begins = block.new_pair | _is_new(when[block.voter])
    cell = np.cumsum(begins) - 1
    head = block.voter[begins]
    observed = sum_by_code(cell, weight[block.voter])
    size = np.bincount(group, minlength=1)
    testable = np.flatnonzero(
        (observed >= MIN_VOTERS - 1e-9) & (size >= MIN_GROUP_BALLOTS)[group[head]]
    )
    head, target = head[testable], block.target[begins][testable]
    margin = _margin(group, block.stratum, weight, len(context.rates))
    expected = _expected(margin, context.rates, group[head], target)
    observed_votes = observed[testable]
    log_p = poisson_log_tail(observed_votes, expected)
    significant = (observed_votes > expected) & (log_p < -TAIL_START)
    head = head[significant]
    return Cells(
        value=block.value[head],
        target=target[significant],
        window_start=when[head].astype(np.int64) * (window or 0),
        observed=observed_votes[significant],
        expected=expected[significant],
        log_p=log_p[significant],
        tests=(int(np.count_nonzero(size >= MIN_GROUP_BALLOTS)) + block.left_out)
        * context.votes.targets,
    )


def _join_cells(parts: Sequence[Cells], left_out: int) -> Cells:
    """Return the cells of all parts; `left_out` tests had none."""

    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    names = [column.name for column in fields(Cells) if column.name != "tests"]
    return Cells(
        **{name: column(name) for name in names}, tests=left_out + sum(part.tests for part in parts)
    )


def poisson_log_tail(observed: Floats, expected: Floats) -> Floats:
    """Return ln P(N ≥ observed) for N Poisson of mean `expected`; `observed` may be a fraction."""
    tail = special.gammainc(observed, np.maximum(expected, 1e-12))
    # Below what a float can hold: the Chernoff bound, which is the likelihood ratio.
    bound = -(observed * np.log(observed / np.maximum(expected, 1e-12)) - (observed - expected))
    with np.errstate(divide="ignore"):
        return np.where(tail > 1e-280, np.log(tail), bound)


def _window_numbers(cast_at: Int64s, window_ms: int | None) -> Int32s:
    """Return the number of each ballot's window since 1970."""
    if window_ms is None:
        return np.zeros(len(cast_at), dtype=np.int32)
    return (cast_at // window_ms).astype(np.int32)


def _is_new(values: npt.NDArray[np.integer]) -> Bools:
    """Where a value differs from the one before; true for the first."""
    changes = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def _margin(group: Int64s, stratum: Int32s, weight: Floats, strata: int) -> sparse.csr_array:
    """Return groups × strata: the voters of a group in a stratum. `group` ascends."""
    groups = int(group[-1]) + 1 if len(group) else 0
    starts = np.searchsorted(group, np.arange(groups + 1))
    return sparse.csr_array((weight.astype(np.float32), stratum, starts), shape=(groups, strata))


def _expected(
    margin: sparse.csr_array, rates: Rates, cell_group: Int64s, cell_target: Int16s
) -> Floats:
    """Return the expectation of each cell (group, target): its group's margin times the rates."""
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
