"""How often accounts chose the same objects in the same periods of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from voting_service.antifraud.forensics.columns import Int32s, Int64s
from voting_service.antifraud.forensics.lockstep import pairs_of_equal
from voting_service.antifraud.forensics.prepare import (
    AnyInts,
    Bools,
    Floats,
    sorted_distinct,
)
from voting_service.antifraud.forensics.thresholds import MIN_RING_MEETINGS

_MAX_PAIRS = 4_000_000
"""Meetings that are counted; larger cells, which say least, are left out."""
_BLOCK_PAIRS = 400_000
_UNIT_BITS = 15


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of one file. Arrays by choice; accounts are voters, days are dense."""

    row: Int32s
    account: Int32s
    item: Int32s
    at: Int64s
    day: Int32s
    accounts: int
    items: int
    days: int


@dataclass(frozen=True, slots=True)
class MeetingCounts:
    """Pairs of accounts and how often they met; the lower account first."""

    first: Int64s
    second: Int64s
    meetings: Floats

    def only(self, some: Bools) -> MeetingCounts:
        """Return the pairs that `some` selects."""
        return MeetingCounts(self.first[some], self.second[some], self.meetings[some])


def count_meetings(choices: Choices, cells: Sequence[Int32s], used: Int64s) -> MeetingCounts:
    """Return the pairs that met at MIN_RING_MEETINGS objects, on any days, in the cells of (object,
    period). A ballot meets another account once, whatever the two have in common, and an object
    counts once, however often they meet there."""
    ordinal = _ordinals(choices, used)
    accounts, dense = np.unique(choices.account[used].astype(np.int64), return_inverse=True)
    pairs, lows, highs = [], [], []
    for cell in cells:
        some = _within_budget(cell[used])
        low, high = pairs_of_equal(cell[used][some].astype(np.int64), some.astype(np.int32))
        same_day = (dense[low] != dense[high]) & (choices.day[used[low]] == choices.day[used[high]])
        low, high = low[same_day], high[same_day]
        swap = dense[low] > dense[high]
        low, high = np.where(swap, high, low), np.where(swap, low, high)
        pairs.append(dense[low] * len(accounts) + dense[high])
        lows.append(low)
        highs.append(high)
    pair, low, high = np.concatenate(pairs), np.concatenate(lows), np.concatenate(highs)
    # Most pairs have too few objects in common, and are not counted further.
    several, counts = _count_units(pair, choices.item[used[low]])
    several, counts = several[counts >= MIN_RING_MEETINGS], counts[counts >= MIN_RING_MEETINGS]
    kept = np.isin(pair, several)
    pair, low, high = pair[kept], low[kept], high[kept]
    for rows in (low, high):
        counts = np.minimum(counts, _count_units(pair, ordinal[rows])[1])
    return MeetingCounts(
        accounts[several // len(accounts)],
        accounts[several % len(accounts)],
        counts.astype(np.float64),
    )


def _count_units(pair: Int64s, unit: AnyInts) -> tuple[Int64s, Int64s]:
    """Return the distinct pairs, ascending, and the distinct units of each."""
    distinct = sorted_distinct(pair << _UNIT_BITS | unit) >> _UNIT_BITS
    begins = np.flatnonzero(np.diff(distinct, prepend=-1) != 0)
    return distinct[begins], np.diff(begins, append=len(distinct))


def count_trials(choices: Choices, met: MeetingCounts) -> Floats:
    """Return the ballots of the less active account of each pair, on days when the other is
    active."""
    cast = cast_by_day(choices)
    trials = np.empty(len(met.first))
    for block in pair_blocks(len(trials)):
        first, second = cast[met.first[block]], cast[met.second[block]]
        sides = [
            mine.multiply(other > 0).sum(axis=1)
            for mine, other in ((first, second), (second, first))
        ]
        trials[block] = np.minimum(*sides)
    return trials


def cast_by_day(choices: Choices) -> csr_array:
    """Return accounts × days: the ballots."""
    begins = begins_ballot(choices)
    account, day = choices.account[begins], choices.day[begins]
    return csr_array(
        (np.ones(len(account)), (account, day)), shape=(choices.accounts, choices.days)
    )


def _ordinals(choices: Choices, used: Int64s) -> Int64s:
    """Return which of its account's ballots each used choice is on, from 0."""
    key = sorted_distinct(choices.account[used].astype(np.int64) << 32 | choices.row[used])
    begins = np.flatnonzero(np.diff(key >> 32, prepend=-1) != 0)
    within = np.arange(len(key)) - np.repeat(begins, np.diff(begins, append=len(key)))
    place = np.searchsorted(key, choices.account[used].astype(np.int64) << 32 | choices.row[used])
    return np.minimum(within, (1 << _UNIT_BITS) - 1)[place]


def _within_budget(cell: Int32s) -> Int64s:
    """Return the choices in cells of several, as many of the smaller cells as memory allows."""
    counts = np.bincount(cell)
    by_size = np.bincount(counts) * (
        np.arange(counts.max() + 1) * (np.arange(counts.max() + 1) - 1) // 2
    )
    largest = int(np.searchsorted(np.cumsum(by_size), _MAX_PAIRS, side="right")) - 1
    size = counts[cell]
    return np.flatnonzero((size > 1) & (size <= largest))


def begins_ballot(choices: Choices) -> Bools:
    """Whether a choice is the first of its ballot."""
    return np.asarray(np.diff(choices.row, prepend=choices.row[:1] - 1) != 0)


def pair_blocks(size: int) -> Iterator[slice]:
    return (slice(begin, begin + _BLOCK_PAIRS) for begin in range(0, size, _BLOCK_PAIRS))
