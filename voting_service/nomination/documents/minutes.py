"""The minutes of the expert panel: who was present, the rules, the result.

Scores are those of the panel as a whole. A single expert's scores are printed only when they are
given as `single_scores`, under the label given there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from voting_service.i18n.text import Language, Text
from voting_service.nomination.documents.formatting import (
    DocumentTexts,
    beijing_time,
    document_texts,
    paragraphs,
)
from voting_service.nomination.documents.record import (
    Cell,
    Record,
    RecordColumn,
    RecordTable,
    Section,
    SignatureLines,
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
    """Candidates with equal scores on both sides of the place `line`, `places` of whom stand above
    it, and the order that `ballots` gave them; none before the ballot. The ballots left each group
    of `by_public_vote` equal, and the public vote ordered it."""

    line: int
    tied: tuple[str, ...]
    places: int
    ballots: int = 0
    order: tuple[str, ...] = ()
    by_public_vote: tuple[tuple[str, ...], ...] = ()


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


def minutes_record(minutes: PanelMinutes, language: Language) -> Record:
    """Return the minutes as a record, to be written as a file."""
    texts = document_texts(language, "minutes")
    sections = (
        Section(heading=texts["people"], facts=_meeting(minutes, texts, language)),
        _conflicts(minutes, texts),
        _criteria(minutes, texts, language),
        Section(
            heading=texts["aggregation"],
            paragraphs=(texts["methods"][minutes.method].format(trim=minutes.trim),),
        ),
        *(
            [Section(heading=texts["discussion"], paragraphs=discussed)]
            if (discussed := tuple(paragraphs(minutes.discussion)))
            else []
        ),
        _results(minutes, texts),
        *([_single_scores(minutes, texts)] if minutes.single_scores else []),
        Section(
            heading=texts["ties"],
            paragraphs=tie_sentences(minutes.ties, language),
        ),
        Section(heading=texts["decisions"], numbered=minutes.decisions),
    )
    return Record(
        title=texts["title"],
        subtitle=getattr(minutes.selection, language),
        closing=texts["closing"],
        sections=sections,
        signatures=signature_lines(minutes.signers, language),
    )


def signature_lines(signers: Sequence[Signer], language: Language) -> SignatureLines:
    """Return a line for everybody who signs."""
    texts = document_texts(language, "minutes")
    return SignatureLines(
        heading=texts["signatures"],
        explained=texts["signatures_explained"],
        columns=(texts["role"], texts["name"], texts["signature"], texts["date"]),
        people=tuple((texts["roles"][signer.role], signer.name) for signer in signers),
    )


def _conflicts(minutes: PanelMinutes, texts: DocumentTexts) -> Section:
    if not minutes.conflicts:
        return Section(heading=texts["conflicts"], paragraphs=(texts["no_conflicts"],))
    columns = (
        RecordColumn(texts["expert"]),
        RecordColumn(texts["candidate"]),
        RecordColumn(texts["ground"]),
    )
    rows = tuple(
        (conflict.expert, conflict.candidate, conflict.ground) for conflict in minutes.conflicts
    )
    return Section(
        heading=texts["conflicts"],
        paragraphs=(texts["conflicts_explained"],),
        table=RecordTable(columns, rows),
    )


def _criteria(minutes: PanelMinutes, texts: DocumentTexts, language: Language) -> Section:
    columns = (
        RecordColumn(texts["criterion"]),
        RecordColumn(texts["weight"], "figure"),
        RecordColumn(texts["max_points"], "figure"),
    )
    rows = tuple(
        (getattr(criterion.name, language), criterion.weight, criterion.max_points)
        for criterion in minutes.criteria
    )
    return Section(heading=texts["criteria"], table=RecordTable(columns, rows))


def _results(minutes: PanelMinutes, texts: DocumentTexts) -> Section:
    columns = (
        RecordColumn(texts["rank"], "figure"),
        RecordColumn(texts["number"], "figure"),
        RecordColumn(texts["name"]),
        RecordColumn(texts["score"], "figure"),
        RecordColumn(texts["judges"], "figure"),
        RecordColumn(texts["outcome"]),
    )
    rows = tuple(
        (
            *(result.rank, result.number, result.name, Decimal(result.score), result.judges),
            texts["outcomes"][result.outcome],
        )
        for result in minutes.results
    )
    winners = sum(result.outcome == "winner" for result in minutes.results)
    return Section(heading=texts["results"], table=RecordTable(columns, rows, strong=winners))


def _meeting(
    minutes: PanelMinutes, texts: DocumentTexts, language: Language
) -> tuple[tuple[str, str], ...]:
    absent = [
        texts["absent_because"].format(name=expert.name, reason=expert.reason)
        if expert.reason
        else expert.name
        for expert in minutes.absent
    ]
    return (
        (texts["began"], beijing_time(minutes.began_at, language)),
        (texts["ended"], beijing_time(minutes.ended_at, language)),
        (texts["place"], minutes.place),
        (texts["chair"], minutes.chair),
        (texts["secretary"], minutes.secretary),
        (texts["present"].format(count=len(minutes.present)), _joined(minutes.present, texts)),
        (texts["absent"].format(count=len(absent)), _joined(absent, texts)),
    )


def _joined(names: Sequence[str], texts: DocumentTexts) -> str:
    return str(texts["between"].join(names) or texts["none"])


def tie_sentences(ties: Sequence[TieBallot], language: Language) -> tuple[str, ...]:
    """Return a sentence for each tie, or the one for no tie. Page, scores and minutes use the same
    words."""
    texts = document_texts(language, "minutes")
    return tuple(
        str(texts["tied" if tie.order else "still_tied"]).format(
            line=tie.line,
            places=tie.places,
            names=_joined(tie.tied, texts),
            ballots=tie.ballots,
            order=_joined(tie.order, texts),
        )
        + "".join(
            str(texts["by_public_vote"]).format(order=_joined(group, texts))
            for group in tie.by_public_vote
        )
        for tie in ties
    ) or (str(texts["no_ties"]),)


def _single_scores(minutes: PanelMinutes, texts: DocumentTexts) -> Section:
    experts = minutes.single_scores
    columns = (
        RecordColumn(texts["number"], "figure"),
        RecordColumn(texts["name"]),
        *(RecordColumn(expert.label, "figure") for expert in experts),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (result.number, result.name, *(expert.scores.get(result.number, "–") for expert in experts))
        for result in minutes.results
    )
    return Section(heading=texts["single_scores"], table=RecordTable(columns, rows))
