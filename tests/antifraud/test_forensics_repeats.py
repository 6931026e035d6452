"""A voter's second ballot of a day, where one a day is the rule of the file and where not."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from tests.antifraud.forensics_crowds import (
    DAY_MS,
    DAYS,
    HOUR_MS,
    START_MS,
    Crowd,
    honest,
    make_columns,
    moments,
    popular,
)
from voting_service.antifraud.forensics.columns import BallotColumns
from voting_service.antifraud.forensics.examine import examine
from voting_service.antifraud.forensics.findings import BallotVerdict
from voting_service.antifraud.forensics.prepare import prepare
from voting_service.antifraud.forensics.repeats import second_ballots
from voting_service.antifraud.forensics.result_files import verdict_reason

VOTERS = 1_500


def returning() -> Crowd:
    """Everybody votes on three different days."""
    rng = np.random.default_rng(51)
    day = np.concatenate([rng.choice(DAYS, 3, False) for _ in range(VOTERS)])
    people = honest(rng, 3 * VOTERS)
    return replace(people, cast_at=moments(rng, day), voter=np.repeat(np.arange(VOTERS), 3))


def with_replays(size: int = 90) -> tuple[BallotColumns, np.ndarray]:
    """(the ballots, which of them were sent again, half an hour later at most)"""
    rng = np.random.default_rng(52)
    crowd = returning()
    sent = rng.choice(len(crowd), size, replace=False)
    rows = np.concatenate([np.arange(len(crowd)), sent])
    taken = {
        name: getattr(crowd, name)[rows]
        for name in ("cast_at", "platform", "voter", "ip", "device", "account_day")
    }
    taken["cast_at"][len(crowd) :] += rng.integers(1, HOUR_MS // 2, size)
    whole = Crowd("all", choices=[*crowd.choices, *popular(rng, size, 12)], **taken)
    return make_columns(whole)[0], np.arange(len(rows)) >= len(crowd)


def test_all_but_the_first_ballot_of_a_day_are_held() -> None:
    columns, sent_again = with_replays()
    findings = examine(columns)
    assert ((findings.verdict == BallotVerdict.HOLD) == sent_again).all()
    (campaign,) = (item for item in findings.campaigns if item.verdict is BallotVerdict.HOLD)
    assert campaign.kind == "repeat"
    assert campaign.ballots == 90
    assert campaign.candidates[0] == 12
    assert verdict_reason(campaign) == "second ballot of the same voter on the same day"
    assert "90 ballots more, 90 of them for no. 12" in campaign.sentence_en
    assert "90张" in campaign.sentence_zh


def test_days_are_those_of_the_zone() -> None:
    """Late in the evening and early next morning is two days in Shanghai, one in London."""
    crowd = returning()
    night = 3 * np.arange(50)
    cast_at = crowd.cast_at.copy()
    cast_at[night] = START_MS + 2 * DAY_MS + 23 * HOUR_MS
    cast_at[night + 1] = START_MS + 3 * DAY_MS + HOUR_MS
    cast_at[night + 2] = START_MS + 5 * DAY_MS
    ballots = prepare(make_columns(replace(crowd, cast_at=cast_at))[0])
    assert not len(second_ballots(ballots, ZoneInfo("Asia/Shanghai")))
    assert len(second_ballots(ballots, ZoneInfo("Europe/London"))) == 50


def test_where_voters_may_vote_more_than_once_a_day_nobody_is_held_for_it() -> None:
    rng = np.random.default_rng(53)
    crowd = returning()
    free = replace(crowd, cast_at=moments(rng, rng.integers(0, DAYS, len(crowd))))
    assert not (examine(make_columns(free)[0]).verdict == BallotVerdict.HOLD).any()


def test_where_two_on_a_day_are_as_rare_as_chance_makes_them_there_is_no_rule() -> None:
    """Three ballots in two hundred days: hardly anybody has two on one, allowed or not."""
    rng = np.random.default_rng(54)
    crowd = returning()
    sparse = replace(crowd, cast_at=moments(rng, rng.integers(0, 200, len(crowd))))
    findings = examine(make_columns(sparse)[0])
    day = (sparse.cast_at + 8 * HOUR_MS) // DAY_MS
    assert len(np.unique(sparse.voter << 20 | day)) < len(sparse)
    assert not (findings.verdict == BallotVerdict.HOLD).any()


def test_where_every_sixth_voter_casts_two_on_a_day_it_is_no_rule() -> None:
    columns, _ = with_replays(300)
    assert not any(campaign.kind == "repeat" for campaign in examine(columns).campaigns)
