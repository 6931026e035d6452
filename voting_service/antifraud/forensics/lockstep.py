"""Accounts that act together again and again, found by the clock alone (after SynchroTrap, Cao
et al. 2014, and CopyCatch, Beutel et al. 2013).

Two accounts meet when they name the same candidate within minutes of each other; meetings on
several days, on most of their days, link them. Accounts with several links among each other are
companions. People who answer one message, or have one habit, meet now and then; a script that
works through its accounts in order meets every day.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array, csgraph

from voting_service.antifraud.forensics.columns import ABSENT, Int32s, Int64s
from voting_service.antifraud.forensics.prepare import (
    DAY_MS,
    Ballots,
    Bools,
    by_appearance,
    distinct,
    places_of,
)
from voting_service.antifraud.forensics.thresholds import (
    BUSY_SHARE,
    COMPANION_LINKS,
    LEAST_CAMPAIGN_VOTERS,
    LEAST_MEETINGS,
    MEETING_SECONDS,
    QUIET_BALLOTS,
    QUIET_SHARE,
)

_MOST_PAIRS = 15_000_000
"""Meetings looked at; in a larger file a meeting is shorter."""
_LARGEST_MEETING = 500
_BLOCK_VOTES = 4_000_000
"""About so many votes are looked at at once."""


Meetings = tuple[Int64s, Int64s, Int64s]
"""(voter, voter, on how many days they met)"""


def companions(ballots: Ballots, met: Meetings, meetings: int, share: float) -> Int32s:
    """A code for each ballot of an account with companions, by their group; −1 for the others.

    A link is `meetings` days together, and `share` of the ballots of the one who votes less.
    """
    none = np.full(len(ballots), ABSENT, dtype=np.int32)
    one, other, times = met
    voters = int(ballots.voter.max()) + 1
    active = np.bincount(ballots.voter)
    linked = (times >= meetings) & (times >= share * np.minimum(active[one], active[other]))
    one, other = _core(one[linked], other[linked])
    if not len(one):
        return none
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(voters, voters))
    group = csgraph.connected_components(graph, directed=False)[1]
    large = np.bincount(group) >= LEAST_CAMPAIGN_VOTERS
    codes = np.where(large[group], group, ABSENT)[ballots.voter]
    codes[codes >= 0] = by_appearance(codes[codes >= 0])
    return codes.astype(np.int32)


def meetings_of(ballots: Ballots) -> Meetings:
    """Every pair of voters who met."""
    voters = int(ballots.voter.max()) + 1
    met, times = np.unique(_meetings(ballots), return_counts=True)
    return met // voters, met % voters, times.astype(np.int64)


def _meetings(ballots: Ballots) -> Int64s:
    """voter · voters + voter for every pair and day on which they met; the lower voter first."""
    voters = np.int64(ballots.voter.max()) + 1
    day = ballots.cast_at // DAY_MS
    often = _faithful(ballots)
    row, choice = ballots.choice_row[often], ballots.choice[often]

    def moments(seconds: int, shift: int) -> tuple[Int64s, Int32s]:
        slot = (ballots.cast_at + shift * seconds * 500) // (seconds * 1_000)
        quiet = _quiet(slot, day)[row]
        return slot[row[quiet]] * ballots.candidates + choice[quiet], row[quiet]

    seconds = MEETING_SECONDS
    while seconds > 1 and sum(_pairs_in(moments(seconds, n)[0]) for n in (0, 1)) > _MOST_PAIRS:
        seconds //= 2
    found = [np.empty(0, dtype=np.int64)]
    for shift in (0, 1):
        first, second = _pairs(*moments(seconds, shift))
        low, high = np.sort(ballots.voter[np.stack([first, second])].astype(np.int64), axis=0)
        apart = low != high
        found.append(((low * voters + high)[apart] << 12) | (day[first][apart] & 4_095))
    return distinct(np.concatenate(found)) >> 12


def _faithful(ballots: Ballots) -> Bools:
    """Votes of those who named the candidate often enough to meet somebody so often; voter by
    voter, so many at once."""
    voter = ballots.voter[ballots.choice_row]
    often = np.zeros(len(voter), dtype=bool)
    blocks = -(-len(voter) // _BLOCK_VOTES)
    bounds = np.linspace(0, int(ballots.voter.max()) + 1, blocks + 1).astype(np.int64)
    for begin, end in pairwise(bounds):
        some = np.flatnonzero((voter >= begin) & (voter < end))
        key = voter[some].astype(np.int64) * ballots.candidates + ballots.choice[some]
        _, place, counts = np.unique(key, return_inverse=True, return_counts=True)
        often[some] = (counts >= LEAST_MEETINGS)[place]
    return often


def _quiet(slot: Int64s, day: Int64s) -> Bools:
    """Where a moment holds no large part of its day's ballots: it then says something to meet."""
    begins = np.flatnonzero(np.diff(slot, prepend=slot[0] - 1))
    size = np.diff(begins, append=len(slot))
    of_day = np.bincount(day - day[0])[day - day[0]]
    small = np.minimum(QUIET_BALLOTS, QUIET_SHARE * of_day)
    return np.asarray(np.repeat(size, size) <= np.maximum(BUSY_SHARE * of_day, small))


def _pairs_in(key: Int64s) -> int:
    key.sort()
    size = _runs(key)
    size = size[size <= _LARGEST_MEETING]
    return int((size * (size - 1) // 2).sum())


def _runs(ordered: Int64s) -> Int64s:
    """How long each run of one value is."""
    begins = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.diff(begins, prepend=0, append=len(ordered))


def _pairs(key: Int64s, rows: Int32s) -> tuple[Int32s, Int32s]:
    """Every pair of rows with the same key."""
    order = np.argsort(key, kind="stable")
    rows, size = rows[order], _runs(key[order])
    meeting = (size > 1) & (size <= _LARGEST_MEETING)
    rows, size = rows[np.repeat(meeting, size)], size[meeting]
    ends = np.repeat(np.cumsum(size), size)
    after = ends - np.arange(1, len(rows) + 1)
    return np.repeat(rows, after), rows[places_of(np.arange(1, len(rows) + 1), after)]


def _core(one: Int64s, other: Int64s) -> tuple[Int64s, Int64s]:
    """The links among accounts that have at least COMPANION_LINKS of them (a k-core)."""
    while len(one):
        links = np.bincount(np.concatenate([one, other]))
        kept = (links[one] >= COMPANION_LINKS) & (links[other] >= COMPANION_LINKS)
        if kept.all():
            break
        one, other = one[kept], other[kept]
    return one, other
