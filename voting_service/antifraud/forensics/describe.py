"""A campaign in figures, with its sentence and its heat map."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from voting_service.antifraud.forensics.attributes import Aspect
from voting_service.antifraud.forensics.columns import (
    ABSENT,
    Int32s,
    Int64s,
)
from voting_service.antifraud.forensics.findings import (
    BallotVerdict,
    Campaign,
    Kind,
    SharedValue,
)
from voting_service.antifraud.forensics.heat_map import CampaignData, draw_heat_map
from voting_service.antifraud.forensics.prepare import Ballots
from voting_service.antifraud.forensics.search import SuspectedCampaign
from voting_service.antifraud.forensics.sentences import (
    MAX_VALUES,
    CampaignSummary,
    campaign_sentence,
)

_ATTRIBUTES = ("ip", "prefix", "device", "user_agent", "account_day", "platform")
"""Columns whose values a campaign may share, in the order in which they are reported."""

_KINDS: dict[frozenset[Aspect], Kind] = {
    frozenset({"network"}): "network",
    frozenset({"client"}): "device",
    frozenset({"account"}): "accounts",
    frozenset({"habit"}): "habits",
    frozenset({"lockstep"}): "lockstep",
}

_COLUMNS_OF_ASPECT: dict[Aspect, tuple[str, ...]] = {
    "network": ("ip", "prefix"),
    "client": ("device", "user_agent"),
    "account": ("account_day",),
}


@dataclass(slots=True)
class CampaignDraft:
    """A campaign to which suspected campaigns are still added."""

    target: int
    verdict: BallotVerdict
    network: int | None = None
    """The one network of a bloc."""
    parts: list[SuspectedCampaign] = field(default_factory=list)


def describe(data: CampaignData, draft: CampaignDraft, number: int, rows: Int64s) -> Campaign:
    """Return the campaign with this number; `rows` are its ballots, ascending."""
    leading = max(draft.parts, key=lambda part: part.excess)
    kind = _KINDS.get(leading.family.aspects, "mixed")
    if draft.verdict is BallotVerdict.BLOC and kind == "network":
        kind = "bloc"
    ballots = data.ballots
    targets = data.target_candidates(draft.target)
    candidates = _candidates(ballots, targets, rows)
    first_at, last_at = int(ballots.cast_at[rows[0]]), int(ballots.cast_at[rows[-1]])
    aspects = leading.classified.aspects
    summary = CampaignSummary(
        kind=kind,
        verdict=draft.verdict,
        ballots=len(rows),
        voters=len(np.unique(ballots.voter[rows])),
        candidates=candidates[: len(targets)],
        times=(to_local_time(first_at, data.zone), to_local_time(last_at, data.zone)),
        figures=_figures(leading, rows),
        shared=_shared_values(data, draft.target, rows),
        confirmed_by=tuple(evidence.aspect for evidence in aspects if evidence.confirms),
    )
    column = _heat_map_column(leading.family.aspects, summary.shared)
    return Campaign(
        number=number,
        kind=kind,
        verdict=draft.verdict,
        attributes=summary.shared,
        first_at=first_at,
        last_at=last_at,
        candidates=candidates,
        ballots=summary.ballots,
        voters=summary.voters,
        observed=summary.figures[0],
        expected=summary.figures[1],
        p_value=float(np.exp(min(part.log_p for part in draft.parts))),
        q_value=float(np.exp(min(part.log_q for part in draft.parts))),
        sentence_zh=campaign_sentence(summary, "zh"),
        sentence_en=campaign_sentence(summary, "en"),
        heat_map=draw_heat_map(data, draft.target, rows, column),
    )


def to_local_time(at_ms: int, zone: ZoneInfo) -> datetime:
    """Return milliseconds since 1970 as a time in the zone."""
    return datetime.fromtimestamp(at_ms / 1000, zone)


def _heat_map_column(aspects: frozenset[Aspect], shared: tuple[SharedValue, ...]) -> str:
    """Return the column for the heat map: of the campaign's own aspect, or else a shared one."""
    names = [value.name for value in shared]
    own = [
        name
        for aspect in sorted(aspects)
        for name in _COLUMNS_OF_ASPECT.get(aspect, ())
        if name in names
    ]
    return (own or [*names, "platform"])[0]


def _figures(leading: SuspectedCampaign, rows: Int64s) -> tuple[float, float]:
    """Return (observed, expected) voters of the values that the campaign's ballots have."""
    classified = leading.classified
    values = np.unique(classified.value[np.isin(classified.rows, rows, assume_unique=True)])
    return float(classified.observed[values].sum()), float(classified.expected[values].sum())


def _candidates(ballots: Ballots, targets: tuple[int, ...], rows: Int64s) -> tuple[int, ...]:
    """Return the numbers of the targets, then of the other candidates on at least every third
    ballot, the most frequent first."""
    votes = np.isin(ballots.choice_row, rows)
    counts = np.bincount(ballots.choice[votes], minlength=ballots.candidates)
    counts[list(targets)] = len(rows) + np.arange(len(targets), 0, -1)
    order = np.argsort(-counts, kind="stable")
    frequent = order[counts[order] * 3 >= len(rows)]
    return tuple(int(number) for number in ballots.numbers[frequent])


def _shared_values(data: CampaignData, target: int, rows: Int64s) -> tuple[SharedValue, ...]:
    """Return the values of at least four of the ballots, and of three times as many as expected."""
    columns, ballots = data.columns, data.ballots
    span = slice(int(rows[0]), int(rows[-1]) + 1)
    expected_rates = data.expected_rates(target, span)
    order = ballots.order
    shared = []
    for name in _ATTRIBUTES:
        all_codes: Int32s = getattr(columns, name)[order[span]]
        codes: Int32s = getattr(columns, name)[order[rows]]
        codes = codes[codes != ABSENT]
        if not len(codes):
            continue
        values, counts = np.unique(codes, return_counts=True)
        for index in np.lexsort((values, -counts))[:MAX_VALUES]:
            count, value = int(counts[index]), int(values[index])
            expected = float(expected_rates[all_codes == value].sum())
            if count >= 4 and count >= 3 * expected:
                label = columns.value_label(name, value)
                shared.append(SharedValue(name, label, count, expected))
    return tuple(shared)
