"""The laws of aggregation, whatever the experts say."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contest_data import both
from voting_service.nomination.panel.aggregation import (
    Criterion,
    Method,
    PanelRules,
    Totals,
    aggregate,
    equal_rank_sums,
    in_order,
    standings,
    tie_order,
    ties_at,
    total,
)
from voting_service.nomination.panel.model import read_points

METHODS = st.sampled_from(["mean", "trimmed_mean", "rank_sum"])
VALUES = st.integers(0, 20).map(lambda value: Fraction(value * 5))
SHEETS = st.lists(st.dictionaries(st.integers(1, 6), VALUES, min_size=1), min_size=1, max_size=7)
TRIMS = st.integers(0, 4)
UNHURRIED = settings(deadline=None)


def criteria(*weights: int) -> tuple[Criterion, ...]:
    return tuple(Criterion(f"c{n}", both(f"c{n}"), weight, 10) for n, weight in enumerate(weights))


def rules(method: Method = "mean", trim: int = 0) -> PanelRules:
    return PanelRules(criteria=criteria(1), method=method, trim=trim)


@pytest.mark.parametrize(
    ("typed", "points"),
    [("９", "9"), ("８．５", "8.5"), ("8。5", "8.5"), (" 7 ", "7"), ("１０", "10")],
)
def test_points_as_a_chinese_keyboard_types_them(typed: str, points: str) -> None:
    content, wrong, _ = read_points(criteria(1), [3], {"points-3-c0": typed})
    assert (content, wrong) == ({"3": {"c0": points}}, ())


def test_a_total_by_hand() -> None:
    points = {"c0": Fraction(8), "c1": Fraction("7.5"), "c2": Fraction(10)}
    assert total(criteria(50, 30, 20), points) == Fraction("82.5")


def test_weights_are_shown_as_parts_of_the_whole() -> None:
    for weights, shares in (
        ((4, 4, 2), ["40%", "40%", "20%"]),
        ((1, 1, 1), ["33.3%", "33.3%", "33.3%"]),
    ):
        rules = PanelRules(criteria=criteria(*weights), method="mean")
        assert [rules.share(criterion) for criterion in rules.criteria] == shares


@UNHURRIED
@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 10)), min_size=1), st.integers(1, 9))
def test_totals_lie_within_bounds_and_only_proportions_of_weights_count(
    parts: list[tuple[int, int]], factor: int
) -> None:
    points = {f"c{n}": Fraction(given_points) for n, (_, given_points) in enumerate(parts)}
    once = total(criteria(*(weight for weight, _ in parts)), points)
    assert 0 <= once <= 100
    assert total(criteria(*(weight * factor for weight, _ in parts)), points) == once


@UNHURRIED
@given(METHODS, TRIMS, SHEETS, st.randoms(use_true_random=False))
def test_neither_the_order_of_experts_nor_that_of_candidates_matters(
    method: Method, trim: int, sheets: list[dict[int, Fraction]], random: Random
) -> None:
    shuffled = [dict(random.sample(list(sheet.items()), len(sheet))) for sheet in sheets]
    random.shuffle(shuffled)
    assert aggregate(method, trim, shuffled) == aggregate(method, trim, sheets)
    renamed = [{number + 100: value for number, value in sheet.items()} for sheet in sheets]
    assert aggregate(method, trim, renamed) == {
        number + 100: value for number, value in aggregate(method, trim, sheets).items()
    }


@UNHURRIED
@given(METHODS, TRIMS, SHEETS, st.data())
def test_more_points_never_lower_a_candidate(
    method: Method, trim: int, sheets: list[dict[int, Fraction]], data: st.DataObject
) -> None:
    before = aggregate(method, trim, sheets)
    place = data.draw(st.integers(0, len(sheets) - 1))
    number = data.draw(st.sampled_from(sorted(sheets[place])))
    raised = [dict(sheet) for sheet in sheets]
    raised[place][number] += data.draw(st.integers(0, 50))
    after = aggregate(method, trim, raised)
    assert after[number] >= before[number]
    for other in before.keys() - {number}:
        assert after[other] <= before[other], "nobody else gains by it"


@UNHURRIED
@given(METHODS, TRIMS, SHEETS)
def test_values_lie_between_the_extremes_and_agreement_is_kept(
    method: Method, trim: int, sheets: list[dict[int, Fraction]]
) -> None:
    for number, value in aggregate(method, trim, sheets).items():
        given_values = [sheet[number] for sheet in sheets if number in sheet]
        if method != "rank_sum":
            assert min(given_values) <= value <= max(given_values)
        assert 0 <= value <= 100
    same = [sheets[0]] * 5
    once = aggregate(method, trim, [sheets[0]])
    assert aggregate(method, trim, same) == once


@UNHURRIED
@given(st.sampled_from(["mean", "trimmed_mean"]), TRIMS, SHEETS, st.data())
def test_a_conflict_changes_nobody_else(
    method: Method, trim: int, sheets: list[dict[int, Fraction]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(sheets) - 1))
    number = data.draw(st.sampled_from(sorted(sheets[place])))
    left_out = [dict(sheet) for sheet in sheets]
    del left_out[place][number]
    before, after = aggregate(method, trim, sheets), aggregate(method, trim, left_out)
    for other in after.keys() - {number}:
        assert after[other] == before[other]


@UNHURRIED
@given(METHODS, TRIMS, SHEETS)
def test_an_absent_expert_is_as_if_never_asked(
    method: Method, trim: int, sheets: list[dict[int, Fraction]]
) -> None:
    assert aggregate(method, trim, [*sheets, {}]) == aggregate(method, trim, sheets)


@UNHURRIED
@given(st.lists(st.permutations(range(1, 6)), min_size=1, max_size=5))
def test_complete_rankings_go_by_the_sum_of_ranks(orders: list[list[int]]) -> None:
    sheets: list[Totals] = [
        {number: Fraction(100 - 10 * order.index(number)) for number in order} for order in orders
    ]
    values = aggregate("rank_sum", 0, sheets)
    sums = {number: sum(order.index(number) + 1 for order in orders) for number in range(1, 6)}
    for first, other in product(range(1, 6), repeat=2):
        assert (values[first] > values[other]) == (sums[first] < sums[other])


def test_extremes_are_left_out_as_far_as_there_are_enough() -> None:
    def of(*values: int, trim: int = 1) -> Fraction:
        sheets = [{1: Fraction(value)} for value in values]
        return aggregate("trimmed_mean", trim, sheets)[1]

    assert of(0, 10, 80, 90, 95, trim=2) == 80, "the median remains"
    assert of(0, 10, 80, 90, trim=2) == 45, "at least two remain of an even number"

    assert of(0, 80, 90, 100) == 85
    assert of(70, 90) == 80
    assert of(70) == 70


def test_ties_are_those_across_a_line() -> None:
    sheet = {n: Fraction(value) for n, value in enumerate((90, 80, 80, 80, 70, 60, 60), start=1)}
    result = standings(rules(), [sheet])
    assert [first.place for first in result] == [1, 2, 2, 2, 5, 6, 6]
    assert ties_at(result, (1, 4, 5, 7)) == ()
    (tie,) = ties_at(result, (2,))
    assert (tie.numbers, tie.places) == ((2, 3, 4), 1)
    both_lines = ties_at(result, (3, 6))
    assert [(tie.line, tie.numbers, tie.places) for tie in both_lines] == [
        (3, (2, 3, 4), 2),
        (6, (6, 7), 1),
    ]
    resolved = {frozenset(tie.numbers): tie.numbers[::-1] for tie in both_lines}
    assert in_order(result, resolved) == (1, 4, 3, 2, 5, 7, 6)


@UNHURRIED
@given(st.lists(st.permutations([3, 5, 8]), max_size=6), st.permutations([3, 5, 8]))
def test_a_ballot_of_ties_gives_one_order_to_all_who_count(
    ballots: list[list[int]], cut_order: list[int]
) -> None:
    order = tie_order((3, 5, 8), ballots, cut_order)
    assert sorted(order) == [3, 5, 8]
    assert tie_order((8, 5, 3), ballots[::-1], cut_order) == order
    for group in equal_rank_sums(order, ballots):
        assert sorted(group, key=cut_order.index) == list(group)
    other_vote = tie_order((3, 5, 8), ballots, cut_order[::-1])
    assert (order == other_vote) == (not equal_rank_sums(order, ballots))
    if not ballots:
        assert list(order) == cut_order
    if ballots and all(ballot == ballots[0] for ballot in ballots):
        assert list(order) == ballots[0]


def test_a_ballot_names_each_of_the_tied_once() -> None:
    with pytest.raises(RuntimeError, match="each of the tied"):
        tie_order((1, 2), [(1, 1)], (1, 2))
