"""Which contest the home page leads to, and the order of the list."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contest_data import candidates, rules
from voting_service.contests.contest_list import find_front_contest, group_by_phase
from voting_service.contests.model import Contest

NOW = datetime(2023, 6, 1, 12, tzinfo=UTC)


def contest(slug: str, opens_in_days: float, closes_in_days: float) -> Contest:
    return Contest(
        id=1,
        slug=slug,
        rules=rules(),
        opens_at=NOW + timedelta(days=opens_in_days),
        closes_at=NOW + timedelta(days=closes_in_days),
        revision=1,
        candidates=candidates(3),
    )


OPEN = contest("open", -10, 20)
OPENED_LATER = contest("opened-later", -2, 3)
NEXT = contest("next", 30, 60)
AFTER_NEXT = contest("after-next", 365, 395)
CLOSED = contest("closed", -400, -370)
CLOSED_BEFORE = contest("closed-before", -800, -770)


@pytest.mark.parametrize(
    ("contests", "front"),
    [
        ([OPEN, NEXT], OPEN),
        ([OPEN, OPENED_LATER], OPEN),
        ([OPEN, OPENED_LATER, NEXT, AFTER_NEXT, CLOSED], OPEN),
        ([NEXT, AFTER_NEXT, CLOSED], NEXT),
        ([CLOSED, CLOSED_BEFORE], CLOSED),
        ([contest("b", -1, 1), contest("a", -1, 1)], contest("a", -1, 1)),
        ([contest("closes-now", -1, 0), contest("opens-now", 0, 1)], contest("opens-now", 0, 1)),
        ([], None),
    ],
)
def test_the_front_contest_whatever_the_order(
    contests: list[Contest], front: Contest | None
) -> None:
    for order in itertools.permutations(contests):
        assert find_front_contest(order, NOW) == front


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 50)), max_size=8))
def test_no_import_of_an_upcoming_contest_moves_an_open_one(windows: list[tuple[int, int]]) -> None:
    contests = [
        contest(f"c{place}", opens, opens + lasts) for place, (opens, lasts) in enumerate(windows)
    ]
    front = find_front_contest([OPEN, *contests], NOW)
    assert front is not None
    assert find_front_contest([NEXT, OPEN, AFTER_NEXT, *contests], NOW) == front
    listed = group_by_phase([OPEN, *contests], NOW)
    assert sorted(item.slug for result in listed.values() for item in result) == sorted(
        item.slug for item in [OPEN, *contests]
    )


def test_the_list_is_in_the_order_in_which_people_look() -> None:
    everything = [CLOSED_BEFORE, AFTER_NEXT, OPENED_LATER, CLOSED, NEXT, OPEN]
    assert list(group_by_phase(everything, NOW).items()) == [
        ("open", [OPEN, OPENED_LATER]),
        ("upcoming", [NEXT, AFTER_NEXT]),
        ("closed", [CLOSED, CLOSED_BEFORE]),
    ]
