"""What the report on place and votes may say, whatever was cast."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import isclose

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contest_data import both, candidates, rules
from voting_service.contests.list_order import TURNS, VARIANTS, shuffled_candidates, voters_variant
from voting_service.contests.model import Contest, Withdrawal
from voting_service.voting.exposure.model import (
    MIN_VOTERS,
    PARTS,
    OrderCount,
    find_part,
    part_places,
    ratio,
    report,
    wilson,
)

OPENS = datetime(2022, 7, 1, tzinfo=UTC)


def a_contest(size: int = 20) -> Contest:
    return Contest(1, "c", rules(), OPENS, OPENS + timedelta(days=9), 1, candidates(size))


@given(places=st.integers(1, 80))
def test_the_parts_divide_the_list_evenly(places: int) -> None:
    parts = min(PARTS, places)
    sizes = Counter(find_part(place, places, parts) for place in range(places))
    assert sorted(sizes) == list(range(parts))
    assert max(sizes.values()) - min(sizes.values()) <= 1
    ends = [part_places(part, places, parts) for part in sorted(sizes)]
    assert [last - first + 1 for first, last in ends] == [sizes[part] for part in sorted(sizes)]
    assert ends[0][0] == 1
    assert ends[-1][1] == places


def test_every_order_falls_to_as_many_voters() -> None:
    orders = Counter(voters_variant(bytes([first]) + b"x" * 15) for first in range(256))
    assert set(orders) == set(range(VARIANTS))
    assert set(orders.values()) == {256 // VARIANTS}


@given(size=st.integers(2, 80))
def test_everybody_stands_as_often_near_the_top(size: int) -> None:
    contest, parts = a_contest(size), min(PARTS, size)
    for part in range(parts):
        often = Counter(dict.fromkeys(contest.numbers, 0))
        for variant in range(VARIANTS):
            order = shuffled_candidates(contest, variant)
            assert {candidate.number for candidate in order} == contest.numbers
            often.update(c.number for n, c in enumerate(order) if find_part(n, size, parts) == part)
        assert max(often.values()) - min(often.values()) <= VARIANTS // TURNS


@given(trials=st.integers(1, 10**7), share=st.floats(0, 1))
def test_a_share_lies_in_its_interval(trials: int, share: float) -> None:
    successes = round(trials * share)
    interval = wilson(successes, trials)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1
    mirrored = wilson(trials - successes, trials)
    assert isclose(mirrored.low, 1 - interval.high, abs_tol=1e-9)
    more = wilson(successes * 4, trials * 4)
    assert more.high - more.low < interval.high - interval.low


def test_a_published_example() -> None:
    """Newcombe 1998, table I, method 3."""
    for successes, trials, low, high in ((81, 263, 0.2553, 0.3662), (0, 20, 0, 0.1611)):
        interval = wilson(successes, trials)
        assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(
    groups=st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)), min_size=2, max_size=VARIANTS
    ),
    times=st.integers(2, 9),
)
def test_a_ratio_lies_in_its_interval(groups: list[tuple[int, int]], times: int) -> None:
    interval = ratio(groups)
    assert 0 <= interval.low <= interval.estimate <= interval.high
    scaled = ratio([(times * observed, times * expected) for observed, expected in groups])
    assert isclose(scaled.high, interval.high)
    same = ratio([(3 * expected, expected) for _, expected in groups])
    assert isclose(same.low, 3) and isclose(same.high, 3), "groups that agree leave no doubt"


def cast(contest: Contest, voters: int, bonus: float, seed: int) -> Iterator[OrderCount]:
    """Votes of people who prefer some candidates, and those in the first fifth `bonus` times as
    much again."""
    chance = random.Random(seed)
    liked = {c.number: 0.05 + 0.4 * chance.random() for c in contest.candidates}
    for variant in range(VARIANTS):
        order = [c.number for c in shuffled_candidates(contest, variant)]
        votes: Counter[int] = Counter()
        for _ in range(voters // VARIANTS):
            votes[0] += 1
            for place, number in enumerate(order):
                is_first = find_part(place, len(order), PARTS) == 0
                votes[number] += chance.random() < liked[number] * (1 + bonus * is_first)
        yield from (OrderCount(0, variant, number, count) for number, count in votes.items())


@pytest.mark.parametrize(("bonus", "low", "high"), [(0.0, 0.97, 1.03), (0.5, 1.25, 1.45)])
def test_an_effect_is_found_and_none_is_made_up(bonus: float, low: float, high: float) -> None:
    first = report(a_contest(), 1, cast(a_contest(), 64 * 60, bonus, seed=5)).parts[0].ratio
    assert first is not None
    assert low < first.estimate < high
    assert (first.low > 1) == (bonus > 0)


def test_the_interval_holds_nineteen_times_in_twenty() -> None:
    held = [
        part.ratio is not None and part.ratio.low <= 1 <= part.ratio.high
        for seed in range(20)
        for part in report(a_contest(10), 1, cast(a_contest(10), 64 * 8, 0, seed)).parts
    ]
    assert 0.88 <= sum(held) / len(held) <= 1


def test_a_list_that_became_shorter_than_its_parts_loses_nobody() -> None:
    """Before the withdrawals six were shown, now four stand: both lists have four parts."""
    gone = [Withdrawal(n, "died", both("why"), OPENS + timedelta(days=n)) for n in (1, 2)]
    contest = msgspec.structs.replace(a_contest(6), withdrawals=tuple(gone))
    counts = [
        OrderCount(withdrawals, variant, number, 1)
        for withdrawals in (0, 2)
        for variant in range(VARIANTS)
        for number in range(7)
    ]
    made = report(contest, 1, counts)
    assert len(made.parts) == 4
    for candidate in made.candidates:
        assert sum(part.seen for part in candidate.parts) == made.voters == 2 * VARIANTS
    assert sum(part.votes for part in made.parts) == VARIANTS * (6 + 4)


@given(
    size=st.integers(1, 12),
    counts=st.lists(
        st.tuples(st.integers(0, VARIANTS - 1), st.sets(st.integers(1, 12), max_size=5)),
        max_size=400,
    ),
)
def test_nobody_is_lost_and_nobody_counted_twice(
    size: int, counts: list[tuple[int, set[int]]]
) -> None:
    contest = a_contest(size)
    cells: Counter[tuple[int, int]] = Counter()
    for variant, choices in counts:
        for number in {0, *choices} & {0, *contest.numbers}:
            cells[variant, number] += 1
    made = report(contest, 3, (OrderCount(0, v, n, count) for (v, n), count in cells.items()))
    assert (made.version, made.voters) == (3, len(counts))
    if len(counts) < MIN_VOTERS or len({variant for variant, _ in counts}) < 2:
        assert not made.parts and not made.candidates, "too few to say anything about anybody"
        return
    for candidate in made.candidates:
        assert sum(part.seen for part in candidate.parts) == len(counts)
        votes = sum(candidate.number in choices for _, choices in counts)
        assert sum(part.chosen for part in candidate.parts) == votes
    total = sum(part.votes for part in made.parts)
    assert total == sum(len(choices & contest.numbers) for _, choices in counts)
    assert isclose(sum(part.expected for part in made.parts), total, abs_tol=1)
