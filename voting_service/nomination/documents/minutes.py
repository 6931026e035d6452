"""The minutes of the expert panel: who was present, the rules, the result.

Scores are those of the panel as a whole. A single expert's scores are printed only when they are
given as `single_scores`, under the label given there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.formatting import (
    DocumentTexts,
    beijing_time,
    document_texts,
    paragraphs,
)


class AbsentExpert(msgspec.Struct, frozen=True):
    """An expert who was not present; `reason` may be empty."""

    name: str
    reason: str = ""


class MinutedConflict(msgspec.Struct, frozen=True):
    """An expert who did not judge a candidate, and on what ground."""

    expert: str
    candidate: str
    ground: str


class MinutedCriterion(msgspec.Struct, frozen=True):
    """A criterion; `weight` as it is printed, such as `40%`."""

    name: Text
    weight: str
    max_points: int


class PanelResult(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate, in the final order; `score` as it is printed."""

    rank: int
    number: int
    name: str
    score: str
    judges: int
    outcome: Literal["winner", "nominee", "none"]


class TieBallot(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates who were tied for `places` places, and the order that the ballot gave."""

    tied: tuple[str, ...]
    places: int
    ballots: int
    order: tuple[str, ...]


class Signer(msgspec.Struct, frozen=True):
    """Somebody who signs the minutes."""

    role: Literal["chair", "secretary", "expert"]
    name: str


class SingleScores(msgspec.Struct, frozen=True):
    """One expert's totals, by candidate's number."""

    label: str
    scores: dict[int, str]


class PanelMinutes(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the minutes contain. Each of `signers` gets a line for signature and date: the
    chair, the secretary and every expert present."""

    selection: Text
    began_at: datetime
    ended_at: datetime
    place: str
    chair: str
    secretary: str
    present: tuple[str, ...]
    absent: tuple[AbsentExpert, ...] = ()
    conflicts: tuple[MinutedConflict, ...] = ()
    criteria: tuple[MinutedCriterion, ...]
    method: Literal["mean", "trimmed_mean", "rank_sum"]
    trim: int = 0
    discussion: str = ""
    results: tuple[PanelResult, ...]
    ties: tuple[TieBallot, ...] = ()
    decisions: tuple[str, ...]
    single_scores: tuple[SingleScores, ...] = ()
    signers: tuple[Signer, ...]


def render_minutes(minutes: PanelMinutes, language: Language) -> bytes:
    """Return the PDF on A4."""
    return typeset(__package__, "minutes.typ", _template_data(minutes, language))


def _template_data(minutes: PanelMinutes, language: Language) -> dict[str, Any]:
    texts = document_texts(language, "minutes")
    return {
        "language": language,
        "words": texts,
        "selection": getattr(minutes.selection, language),
        "meeting": _meeting(minutes, texts, language),
        "conflicts": minutes.conflicts,
        "criteria": [
            {
                "name": getattr(criterion.name, language),
                "weight": criterion.weight,
                "max_points": str(criterion.max_points),
            }
            for criterion in minutes.criteria
        ],
        "method": texts["methods"][minutes.method].format(trim=minutes.trim),
        "discussion": paragraphs(minutes.discussion),
        "results": [
            {
                "cells": [
                    *(str(result.rank), str(result.number), result.name, result.score),
                    *(str(result.judges), texts["outcomes"][result.outcome]),
                ],
                "outcome": result.outcome,
            }
            for result in minutes.results
        ],
        "ties": [_tie(tie, texts) for tie in minutes.ties],
        "decisions": minutes.decisions,
        "single_scores": _single_scores(minutes, texts),
        "signers": [(texts["roles"][signer.role], signer.name) for signer in minutes.signers],
    }


def _meeting(
    minutes: PanelMinutes, texts: DocumentTexts, language: Language
) -> list[tuple[str, str]]:
    absent = [
        texts["absent_because"].format(name=expert.name, reason=expert.reason)
        if expert.reason
        else expert.name
        for expert in minutes.absent
    ]
    return [
        (texts["began"], beijing_time(minutes.began_at, language)),
        (texts["ended"], beijing_time(minutes.ended_at, language)),
        (texts["place"], minutes.place),
        (texts["chair"], minutes.chair),
        (texts["secretary"], minutes.secretary),
        (texts["present"].format(count=len(minutes.present)), _joined(minutes.present, texts)),
        (texts["absent"].format(count=len(absent)), _joined(absent, texts)),
    ]


def _joined(names: Sequence[str], texts: DocumentTexts) -> str:
    return str(texts["between"].join(names) or texts["none"])


def _tie(tie: TieBallot, texts: DocumentTexts) -> str:
    text: str = texts["tied"]
    return text.format(
        places=tie.places,
        names=_joined(tie.tied, texts),
        ballots=tie.ballots,
        order=_joined(tie.order, texts),
    )


def _single_scores(minutes: PanelMinutes, texts: DocumentTexts) -> dict[str, Any] | None:
    if not minutes.single_scores:
        return None
    return {
        "head": [
            texts["number"],
            texts["name"],
            *(expert.label for expert in minutes.single_scores),
        ],
        "rows": [
            [
                *(str(result.number), result.name),
                *(expert.scores.get(result.number, "–") for expert in minutes.single_scores),
            ]
            for result in minutes.results
        ],
    }
