"""Second ballots of a voter on one day, in files that show that one a day is the rule.

This service refuses them when they are cast. Files of others may hold them: captured ballots sent
again, or a form submitted twice. Nothing in a file states the rule, so the voters must: nearly
all who voted more than once kept to one a day, and far more than would by chance.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from voting_service.antifraud.forensics.columns import Int32s, Int64s
from voting_service.antifraud.forensics.findings import Campaign, Verdict
from voting_service.antifraud.forensics.picture import Material, draw
from voting_service.antifraud.forensics.prepare import DAY_MS, HOUR_MS, Ballots
from voting_service.antifraud.forensics.thresholds import (
    LEAST_RETURNING,
    MOST_DOUBLES_OF_CHANCE,
    ONE_A_DAY_SHARE,
)


def second_ballots(ballots: Ballots, zone: ZoneInfo) -> Int64s:
    """Rows of all but a voter's first ballot of a day; none where the file shows no such rule."""
    day = _local_days(ballots.cast_at, zone)
    days = int(day[-1]) - int(day[0]) + 1
    key = ballots.voter * np.int64(days) + (day - day[0])
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(key[order][1:] == key[order][:-1]) + 1
    rows = np.sort(order[again])
    return rows if len(rows) and _one_a_day(ballots.voter, day, rows) else rows[:0]


def _one_a_day(voter: Int32s, day: Int32s, rows: Int64s) -> bool:
    """Whether those who voted more than once kept to one a day. By chance, a voter with k
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
        several.sum() >= LEAST_RETURNING
        and doubled[several].mean() <= 1.0 - ONE_A_DAY_SHARE
        and doubled.sum() <= MOST_DOUBLES_OF_CHANCE * by_chance
    )


def _local_days(cast_at: Int64s, zone: ZoneInfo) -> Int32s:
    """Days in the zone, since 1970. Ascending times."""
    hour = cast_at // HOUR_MS
    known, place = np.unique(hour, return_inverse=True)
    offsets = [datetime.fromtimestamp(each * 3600, zone).utcoffset() for each in known.tolist()]
    shift = np.array([0 if each is None else each.total_seconds() * 1000 for each in offsets])
    days: Int32s = ((cast_at + shift.astype(np.int64)[place]) // DAY_MS).astype(np.int32)
    return days


def describe_repeats(material: Material, number: int, rows: Int64s) -> Campaign:
    """All of them as one campaign, for whoever gained most by them."""
    ballots = material.ballots
    again = np.zeros(len(ballots), dtype=bool)
    again[rows] = True
    counts = np.bincount(ballots.choice[again[ballots.choice_row]], minlength=ballots.candidates)
    order = np.argsort(-counts, kind="stable")
    often = order[counts[order] * 3 >= len(rows)] if counts.any() else order[:1]
    candidates = tuple(int(each) for each in ballots.numbers[often if len(often) else order[:1]])
    first_at, last_at = int(ballots.cast_at[rows[0]]), int(ballots.cast_at[rows[-1]])
    voters = len(np.unique(ballots.voter[rows]))
    first, last = (
        f"{datetime.fromtimestamp(at / 1000, material.zone):%Y-%m-%d %H:%M}"
        for at in (first_at, last_at)
    )
    return Campaign(
        number=number,
        kind="repeat",
        verdict=Verdict.HOLD,
        attributes=(),
        first_at=first_at,
        last_at=last_at,
        candidates=candidates,
        ballots=len(rows),
        voters=voters,
        observed=float(len(rows)),
        expected=0.0,
        p_value=0.0,
        q_value=0.0,
        sentence_zh=(
            f"{first}至{last}，{voters}个账号在当天已经投过票之后又投了{len(rows)}张选票，"
            f"其中{counts[order[0]]}张投给{candidates[0]}号。其余选民几乎都是每天只投一票。"
            "每个账号当天的第一张选票照常计入，其余建议暂扣，待人工裁定。"
        ),
        sentence_en=(
            f"From {first} to {last}, {voters} voters who had voted on the day already cast "
            f"{len(rows)} ballots more, {counts[order[0]]} of them for no. {candidates[0]}. Nearly "
            "all other voters cast one a day. The first ballot of each day counts; the others are "
            "to be held until people have ruled."
        ),
        picture=draw(material, int(order[0]), rows, "platform"),
    )
