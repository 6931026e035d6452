"""The minutes of the expert panel: who was there, by what rules, what came of it.

Scores appear as the panel's; what a single expert gave only if it is handed over as
`single_scores`, under whatever label stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from voting_service.contests.model import Language, Text
from voting_service.office.printing.wording import Words, moment, paragraphs, words
from voting_service.typesetting.compile import typeset

Method = Literal["mean", "trimmed_mean", "ranks"]
Outcome = Literal["winner", "nominee", "none"]


class AbsentExpert(msgspec.Struct, frozen=True):
    name: str
    reason: str = ""


class ConflictOfInterest(msgspec.Struct, frozen=True):
    expert: str
    candidate: str
    ground: str


class WeighedCriterion(msgspec.Struct, frozen=True):
    name: Text
    weight: str
    """As it is printed, such as `40%`."""
    max_points: int


class PanelResult(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate, in the final order; `score` as it is printed."""

    rank: int
    number: int
    name: str
    score: str
    judges: int
    outcome: Outcome


class TieBallot(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates who were tied for `places` places, and the order that the ballot gave."""

    tied: tuple[str, ...]
    places: int
    ballots: int
    order: tuple[str, ...]


class SingleScores(msgspec.Struct, frozen=True):
    """One expert's totals, by candidate's number."""

    label: str
    scores: dict[int, str]


class PanelMinutes(msgspec.Struct, frozen=True, kw_only=True):
    selection: Text
    began_at: datetime
    ended_at: datetime
    place: str
    chair: str
    secretary: str
    present: tuple[str, ...]
    absent: tuple[AbsentExpert, ...] = ()
    conflicts: tuple[ConflictOfInterest, ...] = ()
    criteria: tuple[WeighedCriterion, ...]
    method: Method
    trim: int = 0
    discussion: str = ""
    results: tuple[PanelResult, ...]
    ties: tuple[TieBallot, ...] = ()
    decisions: tuple[str, ...]
    single_scores: tuple[SingleScores, ...] = ()
    signers: tuple[str, ...]
    """Who signs, such as the chair, the secretary and the experts present; a line each."""


def panel_minutes(minutes: PanelMinutes, language: Language) -> bytes:
    """The PDF on A4. Raises MissingGlyphs."""
    return typeset(__package__, "minutes.typ", _printed(minutes, language))


def _printed(minutes: PanelMinutes, language: Language) -> dict[str, Any]:
    said = words(language, "minutes")
    return {
        "language": language,
        "words": said,
        "selection": getattr(minutes.selection, language),
        "meeting": _meeting(minutes, said, language),
        "conflicts": minutes.conflicts,
        "criteria": [
            {
                "name": getattr(criterion.name, language),
                "weight": criterion.weight,
                "max_points": str(criterion.max_points),
            }
            for criterion in minutes.criteria
        ],
        "method": said["methods"][minutes.method].format(trim=minutes.trim),
        "discussion": paragraphs(minutes.discussion),
        "results": [
            {
                "cells": [
                    *(str(result.rank), str(result.number), result.name, result.score),
                    *(str(result.judges), said["outcomes"][result.outcome]),
                ],
                "outcome": result.outcome,
            }
            for result in minutes.results
        ],
        "ties": [_tie(tie, said) for tie in minutes.ties],
        "decisions": minutes.decisions,
        "single_scores": _single_scores(minutes, said),
        "signers": minutes.signers,
    }


def _meeting(minutes: PanelMinutes, said: Words, language: Language) -> list[tuple[str, str]]:
    absent = [f"{one.name}（{one.reason}）" if one.reason else one.name for one in minutes.absent]
    return [
        (said["began"], moment(minutes.began_at, language)),
        (said["ended"], moment(minutes.ended_at, language)),
        (said["place"], minutes.place),
        (said["chair"], minutes.chair),
        (said["secretary"], minutes.secretary),
        (said["present"].format(count=len(minutes.present)), _named(minutes.present, said)),
        (said["absent"].format(count=len(absent)), _named(absent, said)),
    ]


def _named(names: Sequence[str], said: Words) -> str:
    return str(said["between"].join(names) or said["none"])


def _tie(tie: TieBallot, said: Words) -> str:
    text: str = said["tied"]
    return text.format(
        places=tie.places,
        names=_named(tie.tied, said),
        ballots=tie.ballots,
        order=_named(tie.order, said),
    )


def _single_scores(minutes: PanelMinutes, said: Words) -> dict[str, Any] | None:
    if not minutes.single_scores:
        return None
    return {
        "head": [said["number"], said["name"], *(one.label for one in minutes.single_scores)],
        "rows": [
            [
                *(str(result.number), result.name),
                *(one.scores.get(result.number, "–") for one in minutes.single_scores),
            ]
            for result in minutes.results
        ],
    }
