"""Lists of names: what a farm pads its ballots with gives it away; fans and staff have one too."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.antifraud.forensics_crowds import (
    DAYS,
    HOUR_MS,
    START_MS,
    Crowd,
    honest,
    make_columns,
    moments,
)
from voting_service.antifraud.forensics import examine as examination
from voting_service.antifraud.forensics.examine import examine
from voting_service.antifraud.forensics.findings import BallotVerdict
from voting_service.antifraud.forensics.prepare import make_votes, prepare
from voting_service.antifraud.forensics.signatures import _elementary, find_signatures

LIST = [2, 4, 7]
"""All three known enough that none of them stands out by forty ballots; together they do."""


def electorate() -> Crowd:
    """Every third ballot has three names or four."""
    rng = np.random.default_rng(41)
    people = honest(rng, 12_000)
    weights = 1.0 / np.arange(1, 21)
    longer = [
        sorted({*few, *(rng.choice(20, 3, False, weights / weights.sum()) + 1).tolist()})
        for few in people.choices[:4_000]
    ]
    return replace(people, choices=longer + people.choices[4_000:])


def padded_farm(size: int = 45) -> Crowd:
    """Another home for each ballot, three popular phones, accounts of any age; one list."""
    rng = np.random.default_rng(42)
    return replace(
        honest(rng, size),
        truth="farm",
        cast_at=moments(rng, rng.integers(0, DAYS, size)),
        ip=2_000_000 + np.arange(size),
        device=10 + rng.integers(0, 3, size),
        choices=[LIST] * size,
    )


def fans(size: int = 300) -> Crowd:
    """A list from a newspaper, voted for by people with nothing else in common."""
    rng = np.random.default_rng(43)
    return replace(honest(rng, size), truth="fans", choices=[LIST] * size)


def staff(size: int = 120) -> Crowd:
    """A list that an employer handed out: one lunch break, the employer's address, own phones."""
    rng = np.random.default_rng(44)
    noon = START_MS + 36 * HOUR_MS + rng.integers(0, HOUR_MS // 6, size)
    people = honest(rng, size)
    return replace(
        people, truth="staff", cast_at=noon, ip=np.full(size, 999_999), choices=[LIST] * size
    )


def test_a_farm_that_pads_with_one_list_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, truth = make_columns(electorate(), padded_farm())
    findings = examine(columns)
    held, farm = findings.verdict == BallotVerdict.HOLD, np.array(truth) == "farm"
    assert held[farm].mean() > 0.9
    assert held[~farm].mean() < 0.0005
    (campaign,) = (item for item in findings.campaigns if item.verdict is BallotVerdict.HOLD)
    assert set(campaign.candidates) == set(LIST)
    assert "one list (nos. " in campaign.sentence_en
    assert "同一份名单（" in campaign.sentence_zh
    monkeypatch.setattr("voting_service.antifraud.forensics.signatures.MAX_SIGNATURES", 0)
    assert not examination.examine(columns).verdict.any()  # by its names alone it passes


def test_fans_of_one_list_are_left_alone() -> None:
    findings = examine(make_columns(electorate(), fans())[0])
    assert not (findings.verdict == BallotVerdict.HOLD).any()
    assert not any("list" in campaign.sentence_en for campaign in findings.campaigns)


def test_staff_with_a_list_are_a_bloc_at_most() -> None:
    columns, truth = make_columns(electorate(), staff(), fans())
    findings = examine(columns)
    assert not (findings.verdict == BallotVerdict.HOLD).any()
    assert (findings.verdict[np.array(truth) == "staff"] == BallotVerdict.BLOC).mean() > 0.9


def test_the_set_with_most_voters_beyond_what_its_names_predict_comes_first() -> None:
    ballots = prepare(make_columns(electorate(), fans())[0])
    votes = make_votes(ballots.choice_row, ballots.choice, ballots.candidates, len(ballots))
    lists = find_signatures(ballots, votes.starts)
    named = [sorted(ballots.numbers[list(names)].tolist()) for names in lists.names]
    assert named[0] == LIST
    assert len(lists.votes.row) >= 300


def test_one_voter_s_list_is_no_signature_however_often_it_is_cast() -> None:
    alone = fans()
    ballots = prepare(make_columns(electorate(), replace(alone, voter=np.zeros(300, np.int64)))[0])
    votes = make_votes(ballots.choice_row, ballots.choice, ballots.candidates, len(ballots))
    lists = find_signatures(ballots, votes.starts)
    assert LIST not in [sorted(ballots.numbers[list(names)].tolist()) for names in lists.names]


@given(
    odds=st.lists(st.floats(0.01, 10.0), min_size=1, max_size=6),
    degree=st.integers(0, 6),
)
def test_the_elementary_polynomial_is_the_sum_over_all_sets(odds: list[float], degree: int) -> None:
    slow = sum(prod(some) for some in combinations(odds, degree))
    assert _elementary(np.array(odds), degree) == pytest.approx(slow)
