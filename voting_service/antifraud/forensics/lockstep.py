"""Accounts that vote at the same times on many days (after SynchroTrap, Cao et al. 2014, and
CopyCatch, Beutel et al. 2013).

Two accounts meet when they choose the same candidate within minutes of each other; meetings on
several days, on most of their days, link them. Accounts with several links among each other are
companions. People who answer one message, or have one habit, meet occasionally; a script that
works through its accounts in order meets every day.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array, csgraph

from voting_service.antifraud.forensics.columns import (
    ABSENT,
    Int32s,
    Int64s,
)
from voting_service.antifraud.forensics.prepare import (
    DAY_MS,
    Ballots,
    Bools,
    encode_by_appearance,
    expand_ranges,
    sorted_distinct,
)
from voting_service.antifraud.forensics.thresholds import (
    MAX_MEETING_SHARE_OF_DAY,
    MEETING_SECONDS,
    MIN_CAMPAIGN_VOTERS,
    MIN_COMPANION_LINKS,
    MIN_MEETINGS,
    SMALL_DAY_BALLOTS,
    SMALL_DAY_SHARE,
)

_MAX_PAIRS = 15_000_000
"""Meetings that are compared; in a larger file the time of a meeting is shorter."""
_MAX_MEETING_VOTERS = 500
_BLOCK_VOTES = 4_000_000
"""Votes that are processed at once, about."""


Meetings = tuple[Int64s, Int64s, Int64s]
"""(voter, voter, number of days on which they met)"""


def companions(ballots: Ballots, met: Meetings, meetings: int, share: float) -> Int32s:
    """Return the code of the group of companions of each ballot; −1 without companions.

    A link is `meetings` days with a meeting, and `share` of the ballots of the less active account.
    """
    none = np.full(len(ballots), ABSENT, dtype=np.int32)
    first, other, times = met
    voters = int(ballots.voter.max()) + 1
    active = np.bincount(ballots.voter)
    linked = (times >= meetings) & (times >= share * np.minimum(active[first], active[other]))
    first, other = first[linked], other[linked]
    core = k_core(first, other, MIN_COMPANION_LINKS)
    first, other = first[core], other[core]
    if not len(first):
        return none
    graph = coo_array((np.ones(len(first)), (first, other)), shape=(voters, voters))
    group = csgraph.connected_components(graph, directed=False)[1]
    large = np.bincount(group) >= MIN_CAMPAIGN_VOTERS
    codes = np.where(large[group], group, ABSENT)[ballots.voter]
    codes[codes >= 0] = encode_by_appearance(codes[codes >= 0])
    return codes.astype(np.int32)


def find_meetings(ballots: Ballots) -> Meetings:
    """Return every pair of voters who met."""
    voters = int(ballots.voter.max()) + 1
    met, times = np.unique(_meetings(ballots), return_counts=True)
    return met // voters, met % voters, times.astype(np.int64)


def _meetings(ballots: Ballots) -> Int64s:
    """Return voter · voters + voter for every pair and day of a meeting; the lower voter first."""
    voters = np.int64(ballots.voter.max()) + 1
    day = ballots.cast_at // DAY_MS
    frequent = _frequent_votes(ballots)
    row, choice = ballots.choice_row[frequent], ballots.choice[frequent]

    def group_by_moment(seconds: int, shift: int) -> tuple[Int64s, Int32s]:
        slot = (ballots.cast_at + shift * seconds * 500) // (seconds * 1_000)
        quiet = _is_quiet(slot, day)[row]
        return slot[row[quiet]] * ballots.candidates + choice[quiet], row[quiet]

    seconds = MEETING_SECONDS
    while (
        seconds > 1 and sum(_pairs_in(group_by_moment(seconds, n)[0]) for n in (0, 1)) > _MAX_PAIRS
    ):
        seconds //= 2
    pair_days = [np.empty(0, dtype=np.int64)]
    for shift in (0, 1):
        first, second = pairs_of_equal(*group_by_moment(seconds, shift))
        low, high = np.sort(ballots.voter[np.stack([first, second])].astype(np.int64), axis=0)
        apart = low != high
        pair_days.append(((low * voters + high)[apart] << 12) | (day[first][apart] & 4_095))
    return sorted_distinct(np.concatenate(pair_days)) >> 12


def _frequent_votes(ballots: Ballots) -> Bools:
    """Return the votes of voters who chose the candidate frequent enough to be linked; processed in
    blocks of voters."""
    voter = ballots.voter[ballots.choice_row]
    frequent = np.zeros(len(voter), dtype=bool)
    blocks = -(-len(voter) // _BLOCK_VOTES)
    bounds = np.linspace(0, int(ballots.voter.max()) + 1, blocks + 1).astype(np.int64)
    for begin, end in pairwise(bounds):
        some = np.flatnonzero((voter >= begin) & (voter < end))
        key = voter[some].astype(np.int64) * ballots.candidates + ballots.choice[some]
        _, place, counts = np.unique(key, return_inverse=True, return_counts=True)
        frequent[some] = (counts >= MIN_MEETINGS)[place]
    return frequent


def _is_quiet(slot: Int64s, day: Int64s) -> Bools:
    """Whether a moment has a small part of its day's ballots, so that a meeting is significant."""
    begins = np.flatnonzero(np.diff(slot, prepend=slot[0] - 1))
    size = np.diff(begins, append=len(slot))
    of_day = np.bincount(day - day[0])[day - day[0]]
    small = np.minimum(SMALL_DAY_BALLOTS, SMALL_DAY_SHARE * of_day)
    return np.asarray(np.repeat(size, size) <= np.maximum(MAX_MEETING_SHARE_OF_DAY * of_day, small))


def _pairs_in(key: Int64s) -> int:
    key.sort()
    size = _runs(key)
    size = size[size <= _MAX_MEETING_VOTERS]
    return int((size * (size - 1) // 2).sum())


def _runs(ordered: Int64s) -> Int64s:
    """Return the length of each run of one value."""
    begins = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.diff(begins, prepend=0, append=len(ordered))


def pairs_of_equal(key: Int64s, rows: Int32s) -> tuple[Int32s, Int32s]:
    """Return every pair of rows with the same key."""
    order = np.argsort(key, kind="stable")
    rows, size = rows[order], _runs(key[order])
    meeting = (size > 1) & (size <= _MAX_MEETING_VOTERS)
    rows, size = rows[np.repeat(meeting, size)], size[meeting]
    ends = np.repeat(np.cumsum(size), size)
    after = ends - np.arange(1, len(rows) + 1)
    return np.repeat(rows, after), rows[expand_ranges(np.arange(1, len(rows) + 1), after)]


def k_core(first: Int64s, second: Int64s, links: int) -> Bools:
    """Return which links are among accounts that have at least so many of them (a k-core)."""
    kept = np.ones(len(first), dtype=bool)
    accounts = int(max(first.max(initial=-1), second.max(initial=-1))) + 1
    while kept.any():
        both = np.concatenate([first[kept], second[kept]])
        enough = np.bincount(both, minlength=accounts) >= links
        fewer = kept & enough[first] & enough[second]
        if (fewer == kept).all():
            break
        kept = fewer
    return kept
