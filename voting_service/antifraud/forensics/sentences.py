"""The sentences about campaigns that staff read, in each language; texts in `forensics.po`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_datetime

from voting_service.antifraud.forensics.attributes import Aspect
from voting_service.antifraud.forensics.findings import BallotVerdict, Kind, SharedValue
from voting_service.antifraud.forensics.seats import Reason
from voting_service.antifraud.forensics.thresholds import (
    ESCAPED_SHARE,
    ESCAPED_SHARES,
    WRONGLY_HELD_SHARE,
)
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language

MAX_VALUES = 3
"""Values in a sentence, and shown of each attribute."""

_MAX_LISTED_CANDIDATES = 6


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """The facts that the sentence of a campaign states."""

    kind: Kind
    verdict: BallotVerdict
    ballots: int
    voters: int
    candidates: tuple[int, ...]
    """Numbers of the one candidate, or of the list, that the ballots are for."""
    times: tuple[datetime, datetime]
    """Of the first and the last ballot."""
    figures: tuple[float, float]
    """Observed and expected voters."""
    shared: tuple[SharedValue, ...]
    confirmed_by: tuple[Aspect, ...]


@dataclass(frozen=True, slots=True)
class RepeatSummary:
    """The facts that the sentence about second ballots of a day states."""

    ballots: int
    voters: int
    candidate: int
    """Number of the candidate with the most of the ballots."""
    most: int
    """Votes for that candidate."""
    times: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class RingSummary:
    """The facts that the sentence about a ring of accounts states."""

    ballots: int
    voters: int
    candidates: tuple[int, ...]
    """Numbers of the candidates that several of the accounts chose."""
    times: tuple[datetime, datetime]
    hours: int
    """Choices so close in time are a meeting."""
    figures: tuple[float, float]
    """Mean meetings of two linked accounts, and those that chance explains."""


def load_texts(language: Language) -> Mapping[str, Any]:
    """Load the texts of the forensics by section and name."""
    return load_catalogue("forensics", language)


def campaign_sentence(summary: CampaignSummary, language: Language) -> str:
    """Return the sentence about a campaign, with what happens to its ballots."""
    texts = load_texts(language)["sentence"]
    first, last = (format_datetime(at, texts["time_pattern"], locale="en") for at in summary.times)
    observed, expected = map(_format_figure, summary.figures)
    facts = texts["facts"].format(
        first=first,
        last=last,
        ballots=summary.ballots,
        voters=summary.voters,
        candidates=_format_candidates(summary.candidates, language),
        shared_by=load_texts(language)["shared_by"][summary.kind],
        values=_format_values(summary.shared, language),
        observed=observed,
        expected=expected,
    )
    if summary.verdict is BallotVerdict.BLOC:
        return str(texts["bloc"].format(facts=facts))
    second = _format_second_evidence(summary.confirmed_by, language)
    return str(texts["hold"].format(facts=facts, second=second))


def repeat_sentence(summary: RepeatSummary, language: Language) -> str:
    """Return the sentence about voters who cast a second ballot on a day."""
    first, last = (f"{at:%Y-%m-%d %H:%M}" for at in summary.times)
    text: str = load_texts(language)["sentence"]["repeat"]
    return text.format(
        first=first,
        last=last,
        ballots=summary.ballots,
        voters=summary.voters,
        most=summary.most,
        candidate=summary.candidate,
    )


def ring_sentence(summary: RingSummary, language: Language) -> str:
    """Return the sentence about accounts that choose the same candidates together."""
    first, last = (f"{at:%Y-%m-%d %H:%M}" for at in summary.times)
    observed, expected = summary.figures
    text: str = load_texts(language)["sentence"]["ring" if summary.hours > 1 else "ring_hour"]
    return text.format(
        first=first,
        last=last,
        ballots=summary.ballots,
        voters=summary.voters,
        candidates=len(summary.candidates),
        hours=summary.hours,
        observed=f"{observed:.1f}",
        expected=f"{expected:.1f}",
    )


def seat_sentence(number: int, reason: Reason, language: Language) -> str:
    """Return the sentence about why the seat of a candidate is not certifiable."""
    texts = load_texts(language)
    if reason.kind in ("holds", "tie", "few"):
        text: str = texts["seat"][reason.kind]
        return text.format(
            number=number,
            lead=reason.lead,
            votes=f"{reason.votes:.0f}",
            escaped=f"{ESCAPED_SHARE:.0%}",
            honest=f"{WRONGLY_HELD_SHARE:.0%}",
        )
    names = texts.get(f"slice_{reason.kind}")
    listed = texts["sentence"]["separator"].join(
        names[int(value)] if names else value for value in reason.values
    )
    return str(
        texts["seat"]["reason"].format(
            number=number,
            lead=reason.lead,
            where=texts["seat"][reason.kind].format(values=listed),
            votes=f"{reason.votes:.0f}",
            expected=f"{reason.expected:.0f}",
            error=f"{2 * reason.error:.0f}",
            surplus=f"{reason.surplus:.0f}",
            escaped=f"{ESCAPED_SHARES[reason.kind]:.0%}",
        )
    )


def _format_candidates(numbers: tuple[int, ...], language: Language) -> str:
    texts = load_texts(language)["candidates"]
    if len(numbers) == 1:
        return str(texts["one"].format(number=numbers[0]))
    separator = load_texts(language)["sentence"]["separator"]
    listed = numbers[:_MAX_LISTED_CANDIDATES]
    joined = separator.join(map(str, listed))
    if len(listed) == len(numbers):
        return str(texts["list"].format(numbers=joined))
    # Chinese gives the size of the whole list, English how many are not shown.
    count = len(numbers) if language == "zh" else len(numbers) - len(listed)
    return str(texts["long_list"].format(numbers=joined, count=count))


def _format_values(shared: tuple[SharedValue, ...], language: Language) -> str:
    texts, names = load_texts(language)["sentence"], load_texts(language)["attribute"]
    values = [f"{names[s.name]} {s.value} ({s.ballots})" for s in shared[:MAX_VALUES]]
    return texts["values"].format(values=texts["separator"].join(values)) if values else ""


def _format_second_evidence(aspects: tuple[Aspect, ...], language: Language) -> str:
    texts, evidence = load_texts(language)["sentence"], load_texts(language)["second_evidence"]
    listed = texts["second_separator"].join(evidence[aspect] for aspect in aspects)
    return texts["second"].format(evidence=listed) if aspects else ""


def _format_figure(value: float) -> str:
    return f"{value:.0f}" if value >= 1 else "<1"
