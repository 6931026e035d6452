"""Second ballots of a voter on one day, in files whose voters show a rule of one ballot a day.

This service rejects them when they are cast. Files of other services may contain them: captured
ballots sent again, or a form submitted twice. A file does not state the rule, so it is inferred:
nearly all voters with several ballots kept to one a day, and far more than would by chance.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from voting_service.antifraud.forensics.columns import Int32s, Int64s
from voting_service.antifraud.forensics.describe import to_local_time
from voting_service.antifraud.forensics.findings import BallotVerdict, Campaign
from voting_service.antifraud.forensics.heat_map import CampaignData, draw_heat_map
from voting_service.antifraud.forensics.prepare import (
    DAY_MS,
    Ballots,
    local_time,
)
from voting_service.antifraud.forensics.sentences import RepeatSummary, repeat_sentence
from voting_service.antifraud.forensics.thresholds import (
    MAX_DOUBLES_OF_CHANCE,
    MIN_ONE_A_DAY_SHARE,
    MIN_RETURNING_VOTERS,
)


def second_ballots(ballots: Ballots, zone: ZoneInfo) -> Int64s:
    """Return the rows of all but a voter's first ballot of a day; none if there is no such rule."""
    day = (local_time(ballots.cast_at, zone) // DAY_MS).astype(np.int32)
    days = int(day[-1]) - int(day[0]) + 1
    key = ballots.voter * np.int64(days) + (day - day[0])
    order = np.argsort(key, kind="stable")
    repeated = np.flatnonzero(key[order][1:] == key[order][:-1]) + 1
    rows = np.sort(order[repeated])
    return rows if len(rows) and _one_a_day(ballots.voter, day, rows) else rows[:0]


def _one_a_day(voter: Int32s, day: Int32s, rows: Int64s) -> bool:
    """Whether voters with several ballots kept to one a day. By chance, a voter with k
    ballots has two on a day with the probability 1 − exp(−k(k − 1)/2 · Σ q²), q the shares of
    the days (the birthday problem)."""
    times = np.bincount(voter)
    several = times >= 2
    doubled = np.zeros(len(times), dtype=bool)
    doubled[voter[rows]] = True
    share = np.bincount(day - day[0]) / len(day)
    pairs = times[several] * (times[several] - 1) / 2
    by_chance = float((1.0 - np.exp(-pairs * float((share**2).sum()))).sum())
    return bool(
        several.sum() >= MIN_RETURNING_VOTERS
        and doubled[several].mean() <= 1.0 - MIN_ONE_A_DAY_SHARE
        and doubled.sum() <= MAX_DOUBLES_OF_CHANCE * by_chance
    )


def describe_repeats(data: CampaignData, number: int, rows: Int64s) -> Campaign:
    """Return all second ballots as one campaign, for the candidate with most of them."""
    ballots = data.ballots
    is_repeat = np.zeros(len(ballots), dtype=bool)
    is_repeat[rows] = True
    counts = np.bincount(
        ballots.choice[is_repeat[ballots.choice_row]], minlength=ballots.candidates
    )
    order = np.argsort(-counts, kind="stable")
    frequent = order[counts[order] * 3 >= len(rows)] if counts.any() else order[:1]
    numbers = ballots.numbers[frequent if len(frequent) else order[:1]]
    candidates = tuple(int(candidate) for candidate in numbers)
    first_at, last_at = int(ballots.cast_at[rows[0]]), int(ballots.cast_at[rows[-1]])
    summary = RepeatSummary(
        ballots=len(rows),
        voters=len(np.unique(ballots.voter[rows])),
        candidate=candidates[0],
        most=int(counts[order[0]]),
        times=(to_local_time(first_at, data.zone), to_local_time(last_at, data.zone)),
    )
    return Campaign(
        number=number,
        kind="repeat",
        verdict=BallotVerdict.HOLD,
        attributes=(),
        first_at=first_at,
        last_at=last_at,
        candidates=candidates,
        ballots=summary.ballots,
        voters=summary.voters,
        observed=float(summary.ballots),
        expected=0.0,
        p_value=0.0,
        q_value=0.0,
        sentence_zh=repeat_sentence(summary, "zh"),
        sentence_en=repeat_sentence(summary, "en"),
        heat_map=draw_heat_map(data, int(order[0]), rows, "platform"),
    )
