"""Accounts that work through a list of clients, in files of worlds made for tuning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loadtests.fraud.merchants import Account, MerchantWorld, held_accounts, make_world
from voting_service.antifraud.forensics.columns import ABSENT, BallotColumns, Int64s
from voting_service.antifraud.forensics.examine import examine
from voting_service.antifraud.forensics.findings import BallotVerdict, Findings
from voting_service.antifraud.forensics.prepare import DAY_MS, HOUR_MS, prepare
from voting_service.antifraud.forensics.rings import find_rings
from voting_service.antifraud.forensics.thresholds import RING_PERIODS_SECONDS


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


@pytest.mark.parametrize("shares", [(1.0,), (0.4,), (0.3, 0.3)])
def test_accounts_of_one_network_are_left_to_the_search_for_networks(
    shares: tuple[float, ...],
) -> None:
    """An employer may call its staff to vote again and again; so much alone holds nobody, also
    where a ring of others, or a second employer, works through the same list."""
    world = make_world(4)
    accounts = np.flatnonzero(world.kind == Account.MERCHANT)
    home = np.arange(len(world.kind)) + len(shares)
    staff = np.split(accounts, (np.cumsum([*shares]) * len(accounts)).astype(int))[: len(shares)]
    for office, members in enumerate(staff):
        home[members] = office
    network = home[world.columns.voter].astype(np.int32)
    findings = examine(replace(world.columns, ip=network, prefix=network))
    some = np.zeros(len(world.kind), dtype=bool)
    some[world.columns.voter[findings.verdict == BallotVerdict.HOLD]] = True
    assert not some[np.concatenate(staff)].any()
    assert some[np.setdiff1d(accounts, np.concatenate(staff))].all()


def test_meetings_before_the_day_begins_are_explained_by_their_own_day() -> None:
    """Days begin at 21 o'clock here, within a period of six hours; members meet every other day."""
    rng = np.random.default_rng(1)
    nights, clients, members, others = 6, 5, 12, 400
    hour = rng.uniform(22, 45, others)
    delivered = np.repeat(np.arange(nights * clients), members)
    at = np.concatenate(
        [
            rng.integers(0, 2 * nights, others) * DAY_MS + (hour * HOUR_MS).astype(np.int64),
            (delivered // clients * 2 + 1) * DAY_MS
            + (rng.uniform(18, 21, len(delivered)) * HOUR_MS).astype(np.int64),
        ]
    )
    voter = np.concatenate(
        [members + np.arange(others) // 4, np.tile(np.arange(members), nights * clients)]
    )
    item = np.concatenate([rng.integers(1, 200, others), 200 + delivered])
    ballots = prepare(_ballots(at, voter, item))
    unknown = np.full(len(ballots), ABSENT, dtype=np.int32)
    (ring,) = find_rings(ballots, np.ones(len(ballots), dtype=bool), unknown)
    assert ring.period_seconds == max(RING_PERIODS_SECONDS)
    assert ring.expected > 2.0


def _ballots(at: Int64s, voter: Int64s, item: Int64s) -> BallotColumns:
    """One choice a ballot, and nothing else known."""
    absent = np.full(len(at), ABSENT, dtype=np.int32)
    return BallotColumns(
        ballot_id=np.arange(len(at)).astype(np.bytes_),
        cast_at=at,
        platform=absent,
        voter=voter.astype(np.int32),
        ip=absent,
        prefix=absent,
        device=absent,
        user_agent=absent,
        account_day=absent,
        choice_offsets=np.arange(len(at) + 1, dtype=np.int64),
        choice_numbers=item.astype(np.int16),
    )


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
