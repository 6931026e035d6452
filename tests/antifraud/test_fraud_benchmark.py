"""A small fixed part of the fraud benchmark: it fails when detection gets worse.

Tuning seeds and a quarter of the electorate, so that it takes seconds; the figures that count are
those of `make fraud-bench` on the other seeds.
"""

from __future__ import annotations

import pytest

from loadtests.fraud import figures
from loadtests.fraud.figures import select
from loadtests.fraud.records import Truth
from loadtests.fraud.runs import run_case
from loadtests.fraud.scoring import Case, Score

BALLOTS = 60_000
CASES = (
    Case(1, "", 0.0),
    Case(1, "A1", 2.0),
    Case(4, "A2", 2.0),
    Case(2, "A3", 2.0),
    Case(4, "A5", 2.0),
)


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    return [score for case in CASES for score in run_case(case, BALLOTS)]


@pytest.fixture(scope="module")
def ours(scores: list[Score]) -> list[Score]:
    return select(scores, method="forensics")


@pytest.mark.parametrize(
    ("truth", "most"),
    [(Truth.ORDINARY, 0.001), (Truth.SHARED, 0.001), (Truth.TELEVISION, 0.001)],
)
def test_honest_people_are_spared(ours: list[Score], truth: Truth, most: float) -> None:
    held = [figures.held_share(truth)([one]) for one in ours]
    assert all(share is not None and share <= most for share in held), held


def test_no_employer_s_ballot_is_held(ours: list[Score]) -> None:
    assert [one.held.get("EMPLOYER", 0) for one in ours] == [0] * len(CASES)


@pytest.mark.parametrize(
    ("attack", "least"), [("A1", 0.98), ("A2", 0.93), ("A3", 0.93), ("A5", 0.80)]
)
def test_bought_ballots_are_held(ours: list[Score], attack: str, least: float) -> None:
    found = figures.held_share(Truth[attack])(select(ours, attacks=[attack]))
    assert found is not None
    assert found >= least


def test_what_is_held_was_bought(ours: list[Score]) -> None:
    precise = figures.precision(ours)
    assert precise is not None
    assert precise >= 0.95


def test_the_seats_are_right_and_were_not_without_it(scores: list[Score]) -> None:
    attacked = [one for one in scores if one.attack]
    assert sum(one.wrong_seats for one in select(attacked, method="nothing")) >= 4
    assert sum(one.wrong_seats for one in select(attacked, method="forensics")) == 0


@pytest.mark.parametrize("rule", ["address cap", "device cap", "minute count"])
def test_simple_rules_do_worse(scores: list[Score], ours: list[Score], rule: str) -> None:
    precise, simple = figures.precision(ours), figures.precision(select(scores, method=rule))
    assert precise is not None
    assert simple is not None
    assert simple < precise / 2
