"""A small fixed part of `python -m loadtests.fraud alarm`; fails when detection gets worse."""

from __future__ import annotations

from collections import Counter

import pytest

from loadtests.fraud.alarm import OURS, examine, sections
from loadtests.fraud.records import Truth

pytestmark = pytest.mark.timeout(900)
"""A minute of processor time, on a machine that may have other work."""


def test_it_notices_a_farm_that_counting_by_the_minute_does_not() -> None:
    honest_runs, attack_runs = examine(1, 30_000, ((Truth.A3, 5.0),), days=8)
    noticed = {run.method: run.minutes for run in attack_runs}
    ours = noticed.pop(OURS)
    assert ours is not None
    assert ours <= 75
    assert set(noticed.values()) == {None}
    [raised] = [run.raised for run in honest_runs if run.method == OURS]
    looks = Counter((item.cause, item.looks) for item in raised)
    assert sum(count for (cause, _), count in looks.items() if cause == "nobody") <= 2
    assert {item for cause, item in looks if cause == "television"} <= {"broadcast"}
    of_employers = {item: count for (cause, item), count in looks.items() if cause == "employer"}
    assert max(of_employers, key=lambda item: of_employers[item]) == "one_network"
    for section in sections(honest_runs, attack_runs):
        assert len(section.rows[0]) == len(section.header)
