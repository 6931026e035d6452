"""From the experts' points to an order of the candidates. No I/O; exact fractions throughout.

An expert gives candidate i on criterion c, of weight w_c and at most m_c points, x_c points. The
expert's total for i is

    T_i = 100 · Σ_c w_c · x_c / m_c  /  Σ_c w_c                    (0 to 100)

the additive weighting of multi-criteria judgement (Fishburn, Additive Utilities with Incomplete
Product Sets, Operations Research 15, 1967). Who has a conflict of interest, or was absent, gives
none: every rule takes what there is and asks nobody to guess the rest.

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
from typing import Literal, NamedTuple

import msgspec

from voting_service.contests.model import Text

Method = Literal["mean", "trimmed_mean", "rank_sum"]
Points = Mapping[str, Fraction]
Totals = Mapping[int, Fraction]
"""One expert's total by candidate's number; whom the expert does not judge is not in it."""


class Criterion(msgspec.Struct, frozen=True):
    """One thing that is judged: at most `max_points`, weighing `weight` beside the others."""

    key: str
    name: Text
    weight: int
    max_points: int


class PanelRules(msgspec.Struct, frozen=True, kw_only=True):
    """What two people set before anybody scores. `trim` is k of the trimmed mean. Below
    `minimum_experts` handed-in sheets nothing is decided."""

    criteria: tuple[Criterion, ...]
    method: Method
    trim: int = 0
    minimum_experts: int = 5
    discussion: bool = True


class Standing(NamedTuple):
    """`place` counts from 1 and is shared by equals; `judges` gave `score`, from `lowest` to
    `highest`."""

    place: int
    number: int
    score: Fraction
    judges: int
    lowest: Fraction
    highest: Fraction


class Tie(NamedTuple):
    """Equals on both sides of a line: of `numbers` the first `places` stand above it, once they
    are in order."""

    line: int
    numbers: tuple[int, ...]
    places: int


def total(criteria: Sequence[Criterion], points: Points) -> Fraction:
    """T_i of one expert, 0 to 100. Raises KeyError when a criterion has no points."""
    weights = sum(criterion.weight for criterion in criteria)
    weighed = sum(
        criterion.weight * Fraction(points[criterion.key]) / criterion.max_points
        for criterion in criteria
    )
    return 100 * Fraction(weighed) / weights


def aggregate(method: Method, trim: int, sheets: Iterable[Totals]) -> Mapping[int, Fraction]:
    """The value of every candidate whom at least one expert judged."""
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
    """100 · (1 − (r − ½) / m) for each; r is the mean rank of equals, 1 the best."""
    values = list(sheet.values())
    shares = {}
    for number, value in sheet.items():
        better = sum(other > value for other in values)
        equal = values.count(value)
        rank = better + Fraction(equal + 1, 2)
        shares[number] = 100 * (1 - (rank - Fraction(1, 2)) / len(values))
    return shares


def standings(rules: PanelRules, sheets: Sequence[Totals]) -> tuple[Standing, ...]:
    """Best first, equals by number."""
    values = aggregate(rules.method, rules.trim, sheets)
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    found = []
    for number, value in ordered:
        given = [sheet[number] for sheet in sheets if number in sheet]
        place = 1 + sum(other > value for other in values.values())
        found.append(Standing(place, number, value, len(given), min(given), max(given)))
    return tuple(found)


def ties_at(standing: Sequence[Standing], lines: Collection[int]) -> tuple[Tie, ...]:
    """Who is equal across a line (behind place 10, behind place 20), in the order of the lines."""
    ties = []
    for line in sorted(lines):
        if not 0 < line < len(standing) or standing[line - 1].place != standing[line].place:
            continue
        place = standing[line].place
        equals = tuple(one.number for one in standing if one.place == place)
        ties.append(Tie(line, equals, line - place + 1))
    return tuple(ties)


def tie_order(
    tied: Collection[int], ballots: Iterable[Sequence[int]], cut_order: Sequence[int]
) -> tuple[int, ...]:
    """The order of the tied, best first, as the panel's rank ballots give it.

    Each ballot names every one of the tied, the best first: the smallest sum of ranks wins
    (Borda). Whoever is equal even then stands as in the published cut, where the public's votes
    decided; without any ballot that alone decides. Raises ValueError for a ballot of others.
    """
    sums = dict.fromkeys(tied, 0)
    for ballot in ballots:
        if sorted(ballot) != sorted(tied):
            raise ValueError("a ballot names each of the tied once")
        for rank, number in enumerate(ballot, start=1):
            sums[number] += rank
    return tuple(sorted(tied, key=lambda number: (sums[number], cut_order.index(number))))


def in_order(
    standing: Sequence[Standing], settled: Mapping[frozenset[int], Sequence[int]]
) -> tuple[int, ...]:
    """All numbers, best first; groups of equals that were settled in the settled order."""
    order: list[int] = []
    by_place: dict[int, list[int]] = {}
    for one in standing:
        by_place.setdefault(one.place, []).append(one.number)
    for numbers in by_place.values():
        order.extend(settled.get(frozenset(numbers), numbers))
    return tuple(order)
