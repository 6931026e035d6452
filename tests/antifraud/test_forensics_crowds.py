"""Honest groups that look alike are not held; every kind of farm is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.antifraud.forensics_crowds import (
    DAYS,
    HOUR_MS,
    START_MS,
    Crowd,
    honest,
    make_columns,
    moments,
    popular,
)
from voting_service.antifraud.forensics.examine import examine
from voting_service.antifraud.forensics.findings import BallotVerdict, Findings

ELECTORATE = 12_000


def share(findings: Findings, truth: Sequence[str], who: str, verdict: BallotVerdict) -> float:
    """Which share of somebody's ballots has the verdict."""
    theirs = np.array(truth) == who
    return float((findings.verdict[theirs] == verdict).mean())


def electorate(seed: int = 1) -> Crowd:
    return honest(np.random.default_rng(seed), ELECTORATE)


def staff_crowd(size: int, candidate: int) -> Crowd:
    """Staff who vote in one lunch break from their employer's address, with their own phones."""
    rng = np.random.default_rng(2)
    noon = START_MS + 36 * HOUR_MS + rng.integers(0, HOUR_MS // 6, size)
    own = popular(rng, size, candidate)
    return replace(
        honest(rng, size), truth="office", cast_at=noon, ip=np.full(size, 999_999), choices=own
    )


def television(size: int, candidate: int) -> Crowd:
    """Ordinary people, all within twenty minutes of a programme."""
    rng = np.random.default_rng(3)
    evening = START_MS + 68 * HOUR_MS + rng.integers(0, HOUR_MS // 3, size)
    moved = popular(rng, size, candidate)
    return replace(honest(rng, size), truth="television", cast_at=evening, choices=moved)


def datacentre(size: int, candidate: int) -> Crowd:
    """Two machines with one browser each, at any hour, young accounts."""
    rng = np.random.default_rng(4)
    return replace(
        honest(rng, size),
        truth="datacentre",
        cast_at=START_MS + rng.integers(0, DAYS * 24 * HOUR_MS, size),
        ip=888_000 + rng.integers(0, 2, size),
        device=700 + rng.integers(0, 2, size),
        account_day=19_150 + rng.integers(0, 20, size),
        choices=popular(rng, size, candidate),
    )


def proxies(size: int, candidate: int) -> Crowd:
    """Another home for each ballot, three emulated phones that honest people have too."""
    rng = np.random.default_rng(5)
    return replace(
        honest(rng, size),
        truth="proxies",
        cast_at=moments(rng, rng.integers(2, 5, size)),
        ip=2_000_000 + np.arange(size),
        device=20 + rng.integers(0, 3, size),
        account_day=18_500 + rng.integers(0, 3, size),
        choices=popular(rng, size, candidate),
    )


def farm(size: int, candidate: int) -> Crowd:
    """Cheap phones of two models on the carrier's two busiest exits; bought accounts."""
    rng = np.random.default_rng(6)
    return replace(
        honest(rng, size),
        truth="farm",
        cast_at=moments(rng, rng.integers(1, 6, size)),
        ip=rng.integers(0, 2, size),
        device=28 + rng.integers(0, 2, size),
        account_day=18_700 + rng.integers(0, 4, size),
        choices=popular(rng, size, candidate),
    )


def test_ordinary_voters_are_clean() -> None:
    findings = examine(make_columns(electorate())[0])
    assert not findings.verdict.any()
    assert findings.campaigns == ()


@pytest.mark.parametrize("size", [40, 400])
def test_an_employer_is_a_bloc_and_nothing_of_it_is_held(size: int) -> None:
    columns, truth = make_columns(electorate(), staff_crowd(size, candidate=9))
    findings = examine(columns)
    assert not (findings.verdict == BallotVerdict.HOLD).any()
    assert share(findings, truth, "office", BallotVerdict.BLOC) > 0.9
    assert share(findings, truth, "honest", BallotVerdict.BLOC) < 0.001
    assert [campaign.kind for campaign in findings.campaigns] == ["bloc"]


def test_a_television_programme_is_no_campaign() -> None:
    columns, _ = make_columns(electorate(), television(1_500, candidate=9))
    assert not examine(columns).verdict.any()


@pytest.mark.parametrize("attack", [datacentre, proxies, farm])
def test_a_farm_is_held_and_honest_people_are_not(attack: type) -> None:
    columns, truth = make_columns(electorate(), attack(150, 12))
    findings = examine(columns)
    assert share(findings, truth, attack.__name__, BallotVerdict.HOLD) > 0.95
    assert share(findings, truth, "honest", BallotVerdict.HOLD) < 0.001
    held = [campaign for campaign in findings.campaigns if campaign.verdict is BallotVerdict.HOLD]
    assert [campaign.candidates[0] for campaign in held] == [12]


def test_an_employer_is_not_held_beside_a_farm_for_the_same_candidate() -> None:
    columns, truth = make_columns(electorate(), staff_crowd(200, 12), datacentre(150, 12))
    findings = examine(columns)
    assert share(findings, truth, "office", BallotVerdict.HOLD) == 0
    assert share(findings, truth, "office", BallotVerdict.BLOC) > 0.9
    assert share(findings, truth, "datacentre", BallotVerdict.HOLD) > 0.95


def test_a_large_farm_does_not_hide_in_its_own_expectation() -> None:
    columns, truth = make_columns(electorate(), proxies(6_000, 12))
    findings = examine(columns)
    assert share(findings, truth, "proxies", BallotVerdict.HOLD) > 0.95
    assert share(findings, truth, "honest", BallotVerdict.HOLD) < 0.005


def test_one_network_alone_holds_no_ballot() -> None:
    """The employer again, in a file with addresses only."""
    columns, _ = make_columns(
        electorate(), staff_crowd(400, 9), without=("device", "account_day", "platform")
    )
    findings = examine(replace(columns, user_agent=np.full(len(columns), -1, dtype=np.int32)))
    assert not (findings.verdict == BallotVerdict.HOLD).any()


def test_a_family_that_votes_together_every_day_is_no_campaign() -> None:
    rng = np.random.default_rng(7)
    size = 6 * DAYS
    day = np.repeat(np.arange(DAYS), 6)
    family = replace(
        honest(rng, size),
        truth="family",
        cast_at=START_MS + day * 24 * HOUR_MS + 20 * HOUR_MS + rng.integers(0, HOUR_MS, size),
        voter=np.tile(np.arange(6), DAYS),
        ip=np.full(size, 777_777),
        device=np.tile(rng.integers(0, 30, 6), DAYS),
        choices=[[17]] * size,
    )
    assert not examine(make_columns(electorate(), family)[0]).verdict.any()


def test_sentences_state_figures_and_the_verdict() -> None:
    columns, _ = make_columns(electorate(), staff_crowd(200, 9), datacentre(150, 12))
    campaigns = examine(columns).campaigns
    assert len(campaigns) == 2
    for campaign in campaigns:
        assert str(campaign.ballots) in campaign.sentence_en
        assert f"{campaign.candidates[0]}号" in campaign.sentence_zh
        assert campaign.observed > campaign.expected
        assert 0 <= campaign.p_value <= campaign.q_value <= 0.01
        is_hold = campaign.verdict is BallotVerdict.HOLD
        assert ("To be held" in campaign.sentence_en) == is_hold
        assert ("建议暂扣" in campaign.sentence_zh) == is_hold
