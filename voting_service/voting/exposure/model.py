"""The report on place and votes, and the estimates in it. Pure.

The unit is the voter with the first ballot that counts, so what is counted is independent. Signing
in assigns each voter one of 64 orders, as good as drawn at random (contests/list_order.py): so the
voters assigned a candidate in one part of the list and those assigned the candidate in another
differ in nothing else. The report compares assignments ("seen" below is the order assigned). Who
chose before signing in, or in a platform's own pages, may have seen another order: that draws every
estimate towards no difference, and no interval covers it. A finding of none is no proof of none.

What the intervals cover, in 95 of 100 repetitions with as many voters:
- of a candidate's share in a part, the share that all orders of that part would have given, with
  voters drawn independently (Wilson). Which 64 orders there are is not drawn again.
- of the ratio of a part, the ratio for this kind of voter over orders like these 64, which count as
  clusters drawn at random, so it covers how voters differ and how orders do. The orders are turns
  of four shuffles, so they are not independent: what is shared by the turns of one shuffle is not
  covered. The expected votes are estimated from the same ballots, over all parts, so the parts are
  not independent of each other, and each interval is for one part, not for all five at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import msgspec

from voting_service.contests.list_order import VARIANTS, shuffled_candidates
from voting_service.contests.model import Contest

PARTS = 5
"""Parts of the list that are compared: its first fifth, and so on."""
MIN_VOTERS = 100
"""With fewer voters a share means nothing, and could tell something about somebody."""
CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
BALLOTS = 0
"""The candidate whose votes are the ballots themselves."""


class Interval(msgspec.Struct, frozen=True):
    """An estimate with its 95% confidence interval."""

    estimate: float
    low: float
    high: float


class PartOfCandidate(msgspec.Struct, frozen=True):
    """Of the voters who saw a candidate in a part of the list, how many chose the candidate.
    `share` is absent where nobody did see it."""

    seen: int
    chosen: int
    share: Interval | None


class CandidateExposure(msgspec.Struct, frozen=True):
    """A candidate's votes by part of the list, the first part first."""

    number: int
    parts: tuple[PartOfCandidate, ...]


class PartOfList(msgspec.Struct, frozen=True):
    """The votes of all candidates in a part of the list, those expected if place made no
    difference, and how many times as many there were; `ratio` is absent where hardly anybody's vote
    could fall. `first` and `last` are its places, counted from 1."""

    first: int
    last: int
    votes: int
    expected: float
    ratio: Interval | None


class ExposureReport(msgspec.Struct, frozen=True):
    """Whether place brought votes in a contest, of the ballots that a version of the cut counts.
    With fewer than 100 voters there are no parts and no candidates."""

    contest: str
    version: int
    voters: int
    confidence: float = CONFIDENCE
    parts: tuple[PartOfList, ...] = ()
    candidates: tuple[CandidateExposure, ...] = ()


class OrderCount(NamedTuple):
    """Voters who saw an order of the list when so many candidates had withdrawn, and chose a
    candidate; candidate 0 counts the voters themselves."""

    withdrawals: int
    variant: int
    candidate: int
    voters: int


def find_part(place: int, places: int, parts: int) -> int:
    """Return which of so many parts of the list a place is in, both counted from 0."""
    return place * parts // places


def part_places(part: int, places: int, parts: int) -> tuple[int, int]:
    """Return the first and the last place of a part, counted from 1."""
    inside = [place for place in range(places) if find_part(place, places, parts) == part]
    return inside[0] + 1, inside[-1] + 1


def wilson(successes: int, trials: int) -> Interval:
    """Return a share with its score interval: E. B. Wilson, Probable inference, the law of
    succession, and statistical inference, JASA 22 (1927), 209–212; without continuity correction
    (R. G. Newcombe, Statistics in Medicine 17 (1998), 857–872, method 3)."""
    share, weight = successes / trials, _Z * _Z / trials
    middle = (share + weight / 2) / (1 + weight)
    half = _Z * sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == trials else middle + half
    return Interval(share, low, high)


def ratio(groups: Sequence[tuple[float, float]]) -> Interval:
    """Return the ratio of the sums of pairs (observed, expected), one for each of at least two
    independent groups, with its interval: the ratio estimator of cluster sampling (W. G. Cochran,
    Sampling Techniques, 3rd edition, 1977, chapters 6 and 9A), in which votes on one ballot may
    depend on each other. Student's quantile is that of Abramowitz and Stegun, 26.7.5, to the second
    term."""
    count, expected = len(groups), sum(group[1] for group in groups)
    estimate = sum(group[0] for group in groups) / expected
    squares = sum((observed - estimate * ours) ** 2 for observed, ours in groups)
    error = sqrt(count / (count - 1) * squares) / expected
    freedom = count - 1
    quantile = _Z + (_Z**3 + _Z) / (4 * freedom)
    quantile += (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * freedom**2)
    return Interval(estimate, max(0.0, estimate - quantile * error), estimate + quantile * error)


class _Cell(NamedTuple):
    """A candidate in a part of the list, for the voters of one order."""

    variant: int
    part: int
    candidate: int


def report(contest: Contest, version: int, counts: Iterable[OrderCount]) -> ExposureReport:
    """Return the report on the ballots that a version of the cut counts."""
    by_order: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for withdrawals, variant, candidate, voters in counts:
        by_order[withdrawals, variant][candidate] = voters
    everybody = sum(votes[BALLOTS] for votes in by_order.values())
    if everybody < MIN_VOTERS or len({variant for _, variant in by_order}) < 2:
        return ExposureReport(contest.slug, version, everybody)
    places = len(contest.standing)
    parts = min(PARTS, places)
    seen, chosen = _cells(contest, by_order, parts)
    return ExposureReport(
        contest.slug,
        version,
        everybody,
        parts=_parts(places, seen, chosen),
        candidates=tuple(
            _candidate(number, parts, seen, chosen) for number in sorted(contest.standing)
        ),
    )


Cells = Mapping[_Cell, int]


def _cells(
    contest: Contest, by_order: Mapping[tuple[int, int], Mapping[int, int]], parts: int
) -> tuple[Cells, Cells]:
    """Return by cell how many voters saw the candidate there, and how many of them chose it. A list
    from which fewer had withdrawn was longer, but has as many parts."""
    orders = [[c.number for c in shuffled_candidates(contest, v)] for v in range(VARIANTS)]
    withdrawn = [withdrawal.number for withdrawal in contest.withdrawals]
    seen: dict[_Cell, int] = defaultdict(int)
    chosen: dict[_Cell, int] = defaultdict(int)
    for (withdrawals, variant), votes in by_order.items():
        gone = set(withdrawn[:withdrawals])
        shown = [number for number in orders[variant] if number not in gone]
        for place, number in enumerate(shown):
            cell = _Cell(variant, find_part(place, len(shown), parts), number)
            seen[cell] += votes[BALLOTS]
            chosen[cell] += votes.get(number, 0)
    return seen, chosen


def _candidate(number: int, parts: int, seen: Cells, chosen: Cells) -> CandidateExposure:
    def part_of_candidate(part: int) -> PartOfCandidate:
        cells = [_Cell(variant, part, number) for variant in range(VARIANTS)]
        saw, chose = (sum(of.get(cell, 0) for cell in cells) for of in (seen, chosen))
        return PartOfCandidate(saw, chose, wilson(chose, saw) if saw else None)

    return CandidateExposure(number, tuple(map(part_of_candidate, range(parts))))


def _parts(places: int, seen: Cells, chosen: Cells) -> tuple[PartOfList, ...]:
    saw: dict[int, int] = defaultdict(int)
    chose: dict[int, int] = defaultdict(int)
    for cell, voters in seen.items():
        saw[cell.candidate] += voters
        chose[cell.candidate] += chosen[cell]
    observed: dict[tuple[int, int], float] = defaultdict(float)
    expected: dict[tuple[int, int], float] = defaultdict(float)
    for cell, voters in seen.items():
        group = cell.part, cell.variant
        observed[group] += chosen[cell]
        if voters:
            expected[group] += voters * chose[cell.candidate] / saw[cell.candidate]
    result = []
    parts = min(PARTS, places)
    for part in range(parts):
        groups = [
            (observed[part, v], expected[part, v]) for v in range(VARIANTS) if expected[part, v]
        ]
        votes, due = (sum(group[n] for group in groups) for n in (0, 1))
        interval = ratio(groups) if len(groups) > 1 else None
        first, last = part_places(part, places, parts)
        result.append(PartOfList(first, last, round(votes), round(due, 1), interval))
    return tuple(result)
