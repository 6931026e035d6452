"""The ballots in canonical order, with everything the scan needs as dense integers.

Ballots are ordered by time and then by id, and every code, candidates' numbers included, is
renumbered in order of appearance. So the results depend neither on the order of the rows nor on
the names of platforms, devices or candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import (
    ABSENT,
    BallotColumns,
    Int16s,
    Int32s,
    Int64s,
)
from voting_service.antifraud.forensics.thresholds import SPLIT_HOUR_BALLOTS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SLOT_MS = HOUR_MS // 6

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
AnyInts = npt.NDArray[np.signedinteger]

_BLOCK_ROWS = 1_000_000
"""Rows that are expanded at once."""


@dataclass(frozen=True, slots=True)
class Ballots:
    """n ballots in canonical order; `choice_row` and `choice` are the ballot and candidate of each
    vote."""

    order: Int32s
    """Row of the columns of each ballot."""
    cast_at: Int64s
    """Milliseconds, ascending."""
    voter: Int32s
    """Dense; a ballot without a voter gets a voter of its own."""
    platform: Int32s
    """Dense; absent is a platform of its own."""
    hour: Int32s
    """Dense: hours without a ballot are left out."""
    slot: Int32s
    """Dense: the hour, or ten minutes of it where it is busy."""
    stratum: Int32s
    """Dense slot × platform."""
    stratum_slot: Int32s
    stratum_platform: Int32s
    choice_row: Int32s
    choice: Int16s
    """Dense candidate."""
    numbers: Int16s
    """The number of each dense candidate."""

    def __len__(self) -> int:
        return len(self.cast_at)

    @property
    def candidates(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True, slots=True)
class Votes:
    """The targets of every ballot: candidates, or sets of choices. Rows ascend."""

    row: Int32s
    target: Int16s
    targets: int
    starts: Int32s
    """n + 1; the votes of ballot i are those from starts[i] to starts[i + 1]."""


def make_votes(row: Int32s, target: Int16s, targets: int, ballots: int) -> Votes:
    """Return the votes of `ballots` ballots; rows ascend."""
    starts = np.zeros(ballots + 1, dtype=np.int32)
    np.cumsum(np.bincount(row, minlength=ballots), out=starts[1:])
    return Votes(row, target, targets, starts)


def prepare(columns: BallotColumns) -> Ballots:
    """Return the ballots in canonical order with dense codes."""
    order = _canonical_order(columns)
    cast_at = columns.cast_at[order]
    voter = columns.voter[order].astype(np.int64)
    alone = voter == ABSENT
    voter[alone] = voter.max(initial=0) + 1 + np.arange(np.count_nonzero(alone))
    hour = np.cumsum(np.diff(cast_at // HOUR_MS, prepend=cast_at[:1] // HOUR_MS) != 0)
    slot = _slots(cast_at, hour)
    platform = encode_by_appearance(columns.platform[order])
    stratum = encode_by_appearance(
        slot.astype(np.int64) * (int(platform.max(initial=0)) + 1) + platform
    )
    first = first_rows(stratum)
    choice_row, raw = _choices(columns, order)
    choice, first_vote = _candidates(choice_row, raw)
    return Ballots(
        order=order,
        cast_at=cast_at,
        voter=encode_by_appearance(voter),
        platform=platform,
        hour=hour.astype(np.int32),
        stratum=stratum,
        slot=slot,
        stratum_slot=slot[first],
        stratum_platform=platform[first],
        choice_row=choice_row,
        choice=choice,
        numbers=raw[first_vote],
    )


def _slots(cast_at: Int64s, hour: Int64s) -> Int32s:
    busy = (np.bincount(hour, minlength=1) >= SPLIT_HOUR_BALLOTS)[hour]
    part = np.where(busy, cast_at // SLOT_MS, hour - len(hour))
    return np.cumsum(np.diff(part, prepend=part[:1]) != 0).astype(np.int32)


def local_time(cast_at: Int64s, zone: ZoneInfo) -> Int64s:
    """Return the milliseconds since 1970 that a clock of the zone shows."""
    hour = cast_at // HOUR_MS
    hours, place = np.unique(hour, return_inverse=True)
    offsets = [datetime.fromtimestamp(at * 3600, zone).utcoffset() for at in hours.tolist()]
    shift = np.array([0 if offset is None else offset.total_seconds() * 1000 for offset in offsets])
    local: Int64s = cast_at + shift.astype(np.int64)[place]
    return local


def encode_by_appearance(codes: AnyInts) -> Int32s:
    """Return the same partition, numbered 0, 1, 2 … in order of first appearance."""
    if not len(codes):
        return np.empty(0, dtype=np.int32)
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return _ranks(first)[inverse]


def encode_known(codes: Int32s) -> Int32s:
    """As encode_by_appearance, but absent stays absent."""
    dense = np.full(len(codes), ABSENT, dtype=np.int32)
    present = codes != ABSENT
    dense[present] = encode_by_appearance(codes[present])
    return dense


def sum_by_code(codes: npt.NDArray[np.integer], weights: Floats, size: int = 0) -> Floats:
    """Return the sum of the weights of each code."""
    sums: Floats = np.bincount(codes, weights=weights, minlength=size).astype(np.float64)
    return sums


def sorted_distinct(values: Int64s) -> Int64s:
    """Return the distinct values, ascending, by sorting: np.unique hashes, which takes three times
    as long for millions."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def pair_codes(first: Int32s, second: Int32s) -> Int32s:
    """Return a code for each pair of values; absent where either is."""
    pairs = np.full(len(first), ABSENT, dtype=np.int32)
    present = (first != ABSENT) & (second != ABSENT)
    pairs[present] = encode_by_appearance(first[present].astype(np.int64) << 32 | second[present])
    return pairs


def gather(values: Int16s, starts: AnyInts, counts: AnyInts) -> Int16s:
    """Return `counts[i]` values from `starts[i]` on, for each i in turn."""
    parts = [values[:0]]
    for begin in range(0, len(starts), _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        parts.append(values[expand_ranges(starts[block], counts[block])])
    return np.concatenate(parts)


def expand_ranges(starts: AnyInts, counts: AnyInts) -> Int64s:
    """Return `counts[i]` indices from `starts[i]` on, for each i in turn."""
    ends = np.cumsum(counts, dtype=np.int64)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts)


def first_rows(codes: AnyInts) -> Int64s:
    """Return the first row of each code; −1 where no row has it."""
    first = np.full(int(codes.max(initial=-1)) + 1, -1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1, dtype=np.int32)
    return first


def _ranks(first: Int64s) -> Int32s:
    ranks = np.empty(len(first), dtype=np.int32)
    ranks[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return ranks


def _canonical_order(columns: BallotColumns) -> Int32s:
    order = np.argsort(columns.cast_at, kind="stable").astype(np.int32)
    times = columns.cast_at[order]
    same = times[1:] == times[:-1]
    tied = np.zeros(len(times), dtype=bool)
    tied[1:] |= same
    tied[:-1] |= same
    rows = order[tied]
    order[tied] = rows[np.lexsort((columns.ballot_id[rows], columns.cast_at[rows]))]
    return order


def _choices(columns: BallotColumns, order: Int32s) -> tuple[Int32s, Int16s]:
    counts = np.diff(columns.choice_offsets)[order]
    starts = columns.choice_offsets[:-1][order]
    rows = np.repeat(np.arange(len(order), dtype=np.int32), counts)
    return rows, gather(columns.choice_numbers, starts, counts)


def _candidates(rows: Int32s, raw: Int16s) -> tuple[Int16s, Int64s]:
    """Return dense candidates by first appearance; those that first appear on one ballot, by how
    often they are chosen, so that the numbering of the file has no effect."""
    if not len(raw):
        return np.empty(0, dtype=np.int16), np.empty(0, dtype=np.int64)
    counts = np.bincount(raw)
    used = np.flatnonzero(counts)
    first = first_rows(raw)[used]
    order = np.lexsort((-counts[used], rows[first]))
    ranks = np.zeros(len(counts), dtype=np.int16)
    ranks[used[order]] = np.arange(len(used), dtype=np.int16)
    return ranks[raw], first[order]
