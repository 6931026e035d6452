"""Accounts that work through a list of clients, in files of worlds made for tuning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loadtests.fraud.merchants import Account, MerchantWorld, held_accounts, make_world
from voting_service.antifraud.forensics.examine import examine
from voting_service.antifraud.forensics.findings import BallotVerdict, Findings


def held(world: MerchantWorld, findings: Findings) -> dict[str, float]:
    """The share of accounts of each kind with a ballot to be held."""
    return held_accounts(world, findings.verdict == BallotVerdict.HOLD)


@pytest.mark.parametrize("seed", [2, 4, 5])
def test_merchants_accounts_are_held_and_others_are_not(seed: int) -> None:
    world = make_world(seed)
    shares = held(world, examine(world.columns))
    assert shares["MERCHANT"] > 0.98
    assert shares["organic"] < 0.002
    # People who rate fifty objects in one evening; members of a community that answers calls.
    assert shares["EVENING"] == 0
    assert shares["CALLED"] < 0.01


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_without_merchants_nobody_is_held(seed: int) -> None:
    world = make_world(seed, merchants=False)
    assert held(world, examine(world.columns))["organic"] == 0


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_merchants_do_not_hide_where_nearly_everything_is_bought(seed: int) -> None:
    world = make_world(seed, organic=False)
    shares = held(world, examine(world.columns))
    assert shares["MERCHANT"] > 0.9
    assert shares["organic"] == 0


def test_accounts_of_one_network_are_left_to_the_search_for_networks() -> None:
    """An employer may call its staff to vote again and again; so much alone holds nobody."""
    world = make_world(4)
    bought = world.kind[world.columns.voter] == Account.MERCHANT
    home = world.columns.voter + 1
    office = np.where(bought, 0, home).astype(np.int32)
    findings = examine(replace(world.columns, ip=office, prefix=office))
    assert held(world, findings)["MERCHANT"] == 0


def test_the_sentence_states_the_figures() -> None:
    world = make_world(4)
    campaigns = examine(world.columns).campaigns
    (campaign,) = (campaign for campaign in campaigns if campaign.kind == "lockstep")
    assert campaign.verdict is BallotVerdict.HOLD
    assert campaign.voters == np.count_nonzero(world.kind == Account.MERCHANT)
    assert campaign.observed > 5 * campaign.expected
    assert 0 <= campaign.p_value <= campaign.q_value < 1e-6
    for sentence in (campaign.sentence_en, campaign.sentence_zh):
        assert str(campaign.voters) in sentence
        assert f"{campaign.observed:.1f}" in sentence
        assert f"{campaign.expected:.1f}" in sentence
    assert sum(map(sum, campaign.heat_map.observed)) == campaign.ballots
    expected = sum(map(sum, campaign.heat_map.expected))
    assert expected == pytest.approx(campaign.ballots, rel=0.01)
