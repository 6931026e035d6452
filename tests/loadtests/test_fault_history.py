"""The counts of the fault campaign, which go on over several runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.faults.campaign import FAULTS, Campaign, Result
from loadtests.faults.field import WiredStand
from loadtests.faults.history import count, load
from loadtests.recount import Recount


def _campaign(folder: Path, times: int) -> Campaign:
    campaign = Campaign(WiredStand(folder, 2), 1, disk=None)
    campaign.results = [Result(FAULTS[0], [0.5] * times, Recount(created=7), 0, 0)]
    return campaign


def test_counts_go_on_and_no_seed_counts_twice(tmp_path: Path) -> None:
    count(1, [_campaign(tmp_path, 3)], FAULTS, folder=tmp_path)
    count(2, [_campaign(tmp_path, 4)], FAULTS, folder=tmp_path)
    with pytest.raises(ValueError, match="seed 2"):
        count(2, [_campaign(tmp_path, 4)], FAULTS, folder=tmp_path)
    counted = load(tmp_path).faults[FAULTS[0].name]
    assert (counted.times, counted.created) == (7, 14)
    assert f"| {FAULTS[0].name} | 7 | 1,000 |" in (tmp_path / "faults.md").read_text("utf-8")


def test_a_fault_that_was_counted_often_enough_does_not_come_again(tmp_path: Path) -> None:
    count(1, [_campaign(tmp_path, FAULTS[0].long - 1)], FAULTS, folder=tmp_path)
    assert dict(load(tmp_path).next_round(FAULTS[:2]))[FAULTS[0]] == 1
    count(2, [_campaign(tmp_path, 1)], FAULTS, folder=tmp_path)
    assert [fault for fault, _ in load(tmp_path).next_round(FAULTS[:2])] == [FAULTS[1]]


def test_a_round_that_did_not_end_is_named_and_not_counted(tmp_path: Path) -> None:
    count(1, [], FAULTS, unfinished="`serve` is not ready", folder=tmp_path)
    assert load(tmp_path).total() == 0
    assert "seed 1" in load(tmp_path).unfinished[0]
