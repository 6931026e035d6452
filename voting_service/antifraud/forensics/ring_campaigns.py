"""A ring of accounts as a campaign, with its sentence and its picture."""

from __future__ import annotations

import numpy as np

from voting_service.antifraud.forensics.columns import Int64s
from voting_service.antifraud.forensics.describe import to_local_time
from voting_service.antifraud.forensics.findings import BallotVerdict, Campaign, HeatMap
from voting_service.antifraud.forensics.heat_map import BINS, VALUES, CampaignData
from voting_service.antifraud.forensics.prepare import Ballots, Bools
from voting_service.antifraud.forensics.rings import Ring
from voting_service.antifraud.forensics.sentences import RingSummary, ring_sentence


def describe_ring(data: CampaignData, ring: Ring, number: int) -> Campaign:
    """Return the ring as the campaign with this number."""
    ballots, rows = data.ballots, ring.rows
    inside = np.zeros(len(ballots), dtype=bool)
    inside[rows] = True
    votes = inside[ballots.choice_row]
    counts = np.bincount(ballots.choice[votes], minlength=ballots.candidates)
    order = np.argsort(-counts, kind="stable")
    accounts = len(np.unique(ballots.voter[rows]))
    # Who is chosen by one account in three is not chosen by chance.
    common = max(np.count_nonzero(counts * 3 >= accounts), 1)
    candidates = tuple(int(candidate) for candidate in ballots.numbers[order[:common]])
    first_at, last_at = int(ballots.cast_at[rows[0]]), int(ballots.cast_at[rows[-1]])
    summary = RingSummary(
        ballots=len(rows),
        voters=accounts,
        candidates=candidates,
        times=(to_local_time(first_at, data.zone), to_local_time(last_at, data.zone)),
        hours=ring.period_seconds // 3_600,
        figures=(ring.meetings, ring.expected),
    )
    return Campaign(
        number=number,
        kind="lockstep",
        verdict=BallotVerdict.HOLD,
        attributes=(),
        first_at=first_at,
        last_at=last_at,
        candidates=candidates,
        ballots=summary.ballots,
        voters=summary.voters,
        observed=ring.meetings,
        expected=ring.expected,
        p_value=float(np.exp(ring.log_p)),
        q_value=float(np.exp(ring.log_q)),
        sentence_zh=ring_sentence(summary, "zh"),
        sentence_en=ring_sentence(summary, "en"),
        heat_map=_draw(ballots, rows, votes, order[:VALUES]),
    )


def _draw(ballots: Ballots, rows: Int64s, votes: Bools, shown: Int64s) -> HeatMap:
    """Count the ring's choices of its most frequent candidates by time. Expected is what the same
    number of choices of all other voters in the same hours would be."""
    times = ballots.cast_at
    start, last = int(times[rows[0]]), int(times[rows[-1]])
    width = (last - start) // BINS + 1
    when = (times[ballots.choice_row] - start) // width
    row_of_candidate = np.full(ballots.candidates, len(shown), dtype=np.int64)
    row_of_candidate[shown] = np.arange(len(shown))
    span = (when >= 0) & (when < BINS)
    size = (len(shown) + 1) * BINS
    cell = row_of_candidate[ballots.choice] * BINS + when

    def count(some: Bools) -> Int64s:
        counts: Int64s = np.bincount(cell[some & span], minlength=size).reshape(-1, BINS)
        return counts

    own, others = count(votes), count(~votes)
    overall = (others.sum(axis=1, keepdims=True) + 1 / len(others)) / (others.sum() + 1)
    share = (others + overall) / (others.sum(axis=0) + 1)
    return HeatMap(
        attribute="candidate",
        values=tuple(str(number) for number in ballots.numbers[shown]),
        start=start,
        bin_ms=width,
        observed=tuple(tuple(map(float, row)) for row in own),
        expected=tuple(tuple(map(float, row)) for row in share * own.sum(axis=0)),
    )
