"""Accounts that act together again and again, in a file with neither address nor device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.antifraud.forensics_crowds import (
    DAY_MS,
    HOUR_MS,
    START_MS,
    Crowd,
    honest,
    make_columns,
    popular,
)
from voting_service.antifraud.forensics.examine import examine
from voting_service.antifraud.forensics.findings import BallotVerdict, Findings

DAYS = 12
NOTHING_ELSE = ("platform", "ip", "device", "account_day")


def regulars(accounts: int) -> Crowd:
    """Honest people who vote nearly every day about their hour, for whom they like."""
    rng = np.random.default_rng(11)
    person = np.repeat(np.arange(accounts), DAYS)
    day = np.tile(np.arange(DAYS), accounts)
    habit = rng.uniform(8, 22, accounts)
    hour = np.clip(habit[person] + rng.normal(0, 0.6, len(person)), 0, 23.9)
    likes = popular(rng, accounts)
    return replace(
        honest(rng, len(person)),
        cast_at=START_MS + day * DAY_MS + (hour * HOUR_MS).astype(np.int64),
        voter=person,
        choices=[likes[item] for item in person],
    )


def together(accounts: int, minutes: float, days: int, name: str) -> Crowd:
    """Accounts that vote within so many minutes of each other, at another hour each day."""
    rng = np.random.default_rng(12)
    person, day = np.tile(np.arange(accounts), days), np.repeat(np.arange(days), accounts)
    begins = rng.uniform(8, 21, days)
    at = begins[day] * HOUR_MS + rng.uniform(0, minutes * 60_000, len(person))
    return replace(
        honest(rng, len(person)),
        truth=name,
        cast_at=START_MS + day * DAY_MS + at.astype(np.int64),
        voter=person,
        choices=popular(rng, len(person), 14),
    )


def judged(*crowds: Crowd) -> tuple[Findings, Any]:
    columns, truth = make_columns(*crowds, without=NOTHING_ELSE)
    columns = replace(columns, prefix=columns.ip, user_agent=columns.device)
    return examine(columns), np.array(truth)


def test_a_script_that_works_through_its_accounts_is_held() -> None:
    findings, truth = judged(regulars(1_500), together(40, 5, DAYS, "script"))
    held = findings.verdict == BallotVerdict.HOLD
    assert held[truth == "script"].mean() > 0.95
    assert not held[truth == "honest"].any()
    (campaign,) = (item for item in findings.campaigns if item.verdict is BallotVerdict.HOLD)
    assert campaign.kind == "lockstep"
    assert campaign.candidates[0] == 14
    assert campaign.voters >= 38
    assert "again and again" in campaign.sentence_en


def test_supporters_who_answer_a_message_within_the_hour_are_not() -> None:
    findings, _ = judged(regulars(1_500), together(40, 60, DAYS, "supporters"))
    assert not (findings.verdict == BallotVerdict.HOLD).any()


def test_staff_who_are_called_together_some_days_are_not() -> None:
    findings, _ = judged(regulars(1_500), together(40, 8, 5, "staff"))
    assert not (findings.verdict == BallotVerdict.HOLD).any()


def test_regulars_with_their_habits_are_left_alone() -> None:
    findings, _ = judged(regulars(1_500))
    assert not findings.verdict.any()


def test_opening_at_the_same_minute_every_day_brings_nobody_together() -> None:
    crowd = regulars(1_500)
    rng = np.random.default_rng(13)
    eager = rng.random(len(crowd)) < 0.4
    midnight = crowd.cast_at - (crowd.cast_at - START_MS) % DAY_MS
    opening = midnight + rng.integers(0, 300_000, len(crowd))
    findings, _ = judged(replace(crowd, cast_at=np.where(eager, opening, crowd.cast_at)))
    assert not findings.verdict.any()


def test_where_times_are_only_days_nobody_is_in_lockstep() -> None:
    crowd = regulars(60)
    midnight = crowd.cast_at - (crowd.cast_at - START_MS) % DAY_MS
    findings, _ = judged(replace(crowd, cast_at=midnight))
    assert not findings.verdict.any()
