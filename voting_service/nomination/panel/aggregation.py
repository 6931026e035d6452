"""From the experts' points to an order of the candidates. No I/O; exact fractions throughout.

An expert gives candidate i on criterion c, of weight w_c and at most m_c points, x_c points. The
expert's total for i is

    T_i = 100 · Σ_c w_c · x_c / m_c  /  Σ_c w_c                    (0 to 100)

the additive weighting of multi-criteria decisions (Fishburn, Additive Utilities with Incomplete
Product Sets, Operations Research 15, 1967). Experts with a conflict of interest or who were absent
give no total; missing totals are never filled in.

- `mean`: the arithmetic mean of the totals.
- `trimmed_mean`: the k highest and k lowest totals of each candidate are left out first (Tukey,
  The Future of Data Analysis, Annals of Mathematical Statistics 33, 1962); with n totals no more
  than ⌊(n − 1) / 2⌋ at each end, so that one or two always remain.
- `rank_sum`: each expert's totals become ranks, equals sharing the mean of their ranks (Kendall,
  Rank Correlation Methods, 1948). As a conflict leaves a shorter list, a rank r among m becomes
  the share (r − ½) / m, and a candidate's value is 100 · (1 − the mean share). Where every expert
  ranked everybody, this is the order of the sums of ranks (Borda, 1781).

Higher is better in all three.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Literal, NamedTuple

import msgspec

from voting_service.i18n.text import Text

Method = Literal["mean", "trimmed_mean", "rank_sum"]
Points = Mapping[str, Fraction]
Totals = Mapping[int, Fraction]
"""One expert's totals by candidate's number, without candidates the expert does not judge."""


class Criterion(msgspec.Struct, frozen=True):
    """A criterion: at most `max_points`, with a `weight` relative to the other criteria."""

    key: str
    name: Text
    weight: int
    max_points: int


class PanelRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that two people set before scoring begins. `trim` is k of the trimmed mean. Nothing
    is decided with fewer than `minimum_experts` submitted sheets."""

    criteria: tuple[Criterion, ...]
    method: Method
    trim: int = 0
    minimum_experts: int = 5
    discussion: bool = True
    chair: int | None = None
    """The account of the expert who chairs."""

    def share(self, criterion: Criterion) -> str:
        """Return a criterion's part of all weights, such as `40%`, with at most one decimal."""
        tenths = round(Fraction(1000 * criterion.weight, sum(c.weight for c in self.criteria)))
        whole, tenth = divmod(tenths, 10)
        return f"{whole}.{tenth}%" if tenth else f"{whole}%"


class PanelStanding(NamedTuple):
    """A candidate's standing: `place` counts from 1 and is shared by equal scores; `judges` experts
    gave totals from `lowest` to `highest`."""

    place: int
    number: int
    score: Fraction
    judges: int
    lowest: Fraction
    highest: Fraction


class PanelTie(NamedTuple):
    """Equal scores on both sides of a line: once ordered, the first `places` of `numbers` stand
    above it."""

    line: int
    numbers: tuple[int, ...]
    places: int


def total(criteria: Sequence[Criterion], points: Points) -> Fraction:
    """Return T_i of one expert, 0 to 100. Raises KeyError when a criterion has no points."""
    weights = sum(criterion.weight for criterion in criteria)
    weighed = sum(
        criterion.weight * Fraction(points[criterion.key]) / criterion.max_points
        for criterion in criteria
    )
    return 100 * Fraction(weighed) / weights


def aggregate(method: Method, trim: int, sheets: Iterable[Totals]) -> Mapping[int, Fraction]:
    """Return the value of every candidate whom at least one expert judged."""
    shares = [_rank_shares(sheet) for sheet in sheets] if method == "rank_sum" else list(sheets)
    by_number: dict[int, list[Fraction]] = {}
    for sheet in shares:
        for number, value in sheet.items():
            by_number.setdefault(number, []).append(value)
    kept = trim if method == "trimmed_mean" else 0
    return {number: _trimmed_mean(values, kept) for number, values in by_number.items()}


def _trimmed_mean(values: Sequence[Fraction], trim: int) -> Fraction:
    left_out = min(trim, (len(values) - 1) // 2)
    remaining = sorted(values)[left_out : len(values) - left_out]
    return sum(remaining, Fraction()) / len(remaining)


def _rank_shares(sheet: Totals) -> Totals:
    """Return 100 · (1 − (r − ½) / m) for each; r is the mean rank of equals, 1 the best."""
    values = list(sheet.values())
    shares = {}
    for number, value in sheet.items():
        better = sum(other > value for other in values)
        equal = values.count(value)
        rank = better + Fraction(equal + 1, 2)
        shares[number] = 100 * (1 - (rank - Fraction(1, 2)) / len(values))
    return shares


def standings(rules: PanelRules, sheets: Sequence[Totals]) -> tuple[PanelStanding, ...]:
    """Return the standings, best first, equals by number."""
    values = aggregate(rules.method, rules.trim, sheets)
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    placed = []
    for number, value in ordered:
        given = [sheet[number] for sheet in sheets if number in sheet]
        place = 1 + sum(other > value for other in values.values())
        placed.append(PanelStanding(place, number, value, len(given), min(given), max(given)))
    return tuple(placed)


def ties_at(standing: Sequence[PanelStanding], lines: Collection[int]) -> tuple[PanelTie, ...]:
    """Return the ties across a line (behind place 10, behind place 20), by line."""
    ties = []
    for line in sorted(lines):
        if not 0 < line < len(standing) or standing[line - 1].place != standing[line].place:
            continue
        place = standing[line].place
        equals = tuple(placed.number for placed in standing if placed.place == place)
        ties.append(PanelTie(line, equals, line - place + 1))
    return tuple(ties)


def tie_order(
    tied: Collection[int], ballots: Iterable[Sequence[int]], cut_order: Sequence[int]
) -> tuple[int, ...]:
    """Return the order of the tied, best first, by the panel's rank ballots.

    Each ballot names all of the tied, best first: the smallest sum of ranks wins (Borda). Equal
    sums, and a tie without ballots, are ordered as in the published cut. Raises RuntimeError for
    a ballot that does not name exactly the tied.
    """
    sums = _rank_sums(tied, ballots)
    return tuple(sorted(tied, key=lambda number: (sums[number], cut_order.index(number))))


def equal_rank_sums(
    order: Sequence[int], ballots: Iterable[Sequence[int]]
) -> tuple[tuple[int, ...], ...]:
    """Return the groups of an order of `tie_order` whose sums of ranks are equal, so that the
    published cut alone ordered them."""
    sums = _rank_sums(order, ballots)
    groups = (tuple(group) for _, group in groupby(order, key=sums.__getitem__))
    return tuple(group for group in groups if len(group) > 1)


def _rank_sums(tied: Collection[int], ballots: Iterable[Sequence[int]]) -> dict[int, int]:
    sums = dict.fromkeys(tied, 0)
    for ballot in ballots:
        if sorted(ballot) != sorted(tied):
            raise RuntimeError("a ballot names each of the tied once")
        for rank, number in enumerate(ballot, start=1):
            sums[number] += rank
    return sums


def in_order(
    standing: Sequence[PanelStanding], resolved: Mapping[frozenset[int], Sequence[int]]
) -> tuple[int, ...]:
    """Return all numbers, best first; resolved ties in the order of their ballot."""
    order: list[int] = []
    by_place: dict[int, list[int]] = {}
    for candidate in standing:
        by_place.setdefault(candidate.place, []).append(candidate.number)
    for numbers in by_place.values():
        order.extend(resolved.get(frozenset(numbers), numbers))
    return tuple(order)
