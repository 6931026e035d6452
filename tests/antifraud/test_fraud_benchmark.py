"""A small fixed part of the fraud benchmark; fails when detection gets worse.

Uses tuning seeds and a quarter of the electorate to be fast; the figures to report are those of
`make fraud-bench` on the other seeds.
"""

from __future__ import annotations

import pytest

from loadtests.fraud import figures
from loadtests.fraud.figures import select
from loadtests.fraud.records import Truth
from loadtests.fraud.runs import run_case
from loadtests.fraud.scoring import Case, Score

pytestmark = pytest.mark.timeout(900)
"""A minute of processor time, on a machine that may have other work."""

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
def test_honest_ballots_are_not_held(ours: list[Score], truth: Truth, most: float) -> None:
    held = [figures.held_share(truth)([score]) for score in ours]
    assert all(share is not None and share <= most for share in held), held


def test_no_employer_s_ballot_is_held(ours: list[Score]) -> None:
    assert [score.held.get("EMPLOYER", 0) for score in ours] == [0] * len(CASES)


@pytest.mark.parametrize(
    ("attack", "least"), [("A1", 0.98), ("A2", 0.93), ("A3", 0.93), ("A5", 0.80)]
)
def test_bought_ballots_are_held(ours: list[Score], attack: str, least: float) -> None:
    share = figures.held_share(Truth[attack])(select(ours, attacks=[attack]))
    assert share is not None
    assert share >= least


def test_held_ballots_were_bought(ours: list[Score]) -> None:
    precise = figures.precision(ours)
    assert precise is not None
    assert precise >= 0.95


def test_the_seats_are_right_only_with_holds(scores: list[Score]) -> None:
    with_attack = [score for score in scores if score.attack]
    assert sum(score.wrong_seats for score in select(with_attack, method="nothing")) >= 4
    assert sum(score.wrong_seats for score in select(with_attack, method="forensics")) == 0


@pytest.mark.parametrize("rule", ["address cap", "device cap", "minute count"])
def test_simple_rules_do_worse(scores: list[Score], ours: list[Score], rule: str) -> None:
    precise, simple = figures.precision(ours), figures.precision(select(scores, method=rule))
    assert precise is not None
    assert simple is not None
    assert simple < precise / 2
