"""The contents of the panel's minutes: scores of the panel, never an expert's with their name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from voting_service.i18n.text import Language
from voting_service.nomination.documents.formatting import document_texts
from voting_service.nomination.documents.minutes import (
    AbsentExpert,
    MinutedConflict,
    MinutedCriterion,
    PanelMinutes,
    PanelResult,
    Signer,
    TieBallot,
    signature_lines,
    tie_sentences,
)
from voting_service.nomination.documents.record import Record, RecordColumn, RecordTable, Section
from voting_service.nomination.panel.aggregation import PanelRules
from voting_service.nomination.panel.model import (
    DISCUSSION,
    SCORING,
    Panel,
    score_text,
)
from voting_service.nomination.panel.outcome import PanelOutcome, final_standings
from voting_service.staff.approvals.model import ApprovalRequest

ScorePoints = Mapping[str, list[Any]]
"""By candidate's number the points of each expert, in an order of their own."""


class Meeting(NamedTuple):
    """Where the panel met, who chaired it and who took the minutes."""

    place: str
    chair: str
    secretary: str


def build_minutes(
    panel: Panel, outcome: PanelOutcome, meeting: Meeting, language: Language
) -> PanelMinutes:
    """Return the minutes of a panel whose order is decided."""
    assert panel.rules is not None
    names = _names(panel, language)
    zone = panel.selection.zone
    ended = max(end.ended_at for end in panel.ends.values())
    began = min((sheet.saved_at for sheet in panel.sheets), default=ended)
    return PanelMinutes(
        selection=panel.selection.title,
        began_at=began.astimezone(zone),
        ended_at=ended.astimezone(zone),
        place=meeting.place,
        chair=meeting.chair,
        secretary=meeting.secretary,
        present=tuple(e.name for e in panel.experts if e.account_id in outcome.present),
        absent=tuple(
            AbsentExpert(expert.name)
            for expert in panel.experts
            if expert.account_id not in outcome.present
        ),
        conflicts=_conflicts(panel, names, language),
        criteria=_criteria(panel.rules),
        method=panel.rules.method,
        trim=panel.rules.trim,
        discussion=_discussion(panel, language),
        results=_results(panel, outcome, names),
        ties=ties_of_lines(panel, outcome, language),
        decisions=tuple(
            _decision(approval, language)
            for approval in panel.decisions
            if approval.kind in ("panel", "result") and approval.state == "approved"
        ),
        signers=(
            Signer("chair", meeting.chair),
            Signer("secretary", meeting.secretary),
            *(
                Signer("expert", e.name)
                for e in panel.experts
                if e.account_id in outcome.present and e.name != meeting.chair
            ),
        ),
    )


def _conflicts(
    panel: Panel, names: dict[int, str], language: Language
) -> tuple[MinutedConflict, ...]:
    grounds = document_texts(language, "minutes")["grounds"]
    people = {expert.account_id: expert.name for expert in panel.experts}
    return tuple(
        MinutedConflict(people[c.account_id], names[c.number], grounds[c.ground])
        for c in panel.conflicts
    )


def _criteria(rules: PanelRules) -> tuple[MinutedCriterion, ...]:
    return tuple(MinutedCriterion(c.name, rules.share(c), c.max_points) for c in rules.criteria)


def score_record(
    panel: Panel, outcome: PanelOutcome, points: ScorePoints, language: Language
) -> Record:
    """Return the scores so far: the standings, and the points of each candidate in an order of
    their own. Every expert present signs."""
    assert panel.rules is not None
    assert panel.contest is not None
    texts, words = document_texts(language, "scores"), document_texts(language, "minutes")
    people = {c.number: c for c in panel.contest.candidates}
    names = {number: getattr(candidate.name, language) for number, candidate in people.items()}
    figures = tuple(
        RecordColumn(text, "figure")
        for text in (words["rank"], words["number"], words["score"], words["judges"])
    )
    standings = RecordTable(
        (
            *(figures[0], figures[1], RecordColumn(words["name"]), RecordColumn(texts["trade"])),
            *(figures[2], figures[3], RecordColumn(texts["lowest"], "figure")),
            RecordColumn(texts["highest"], "figure"),
        ),
        tuple(
            (
                *(it.place, it.number, names[it.number]),
                *(
                    getattr(people[it.number].trade, language),
                    Decimal(score_text(it.score)),
                ),
                *(
                    it.judges,
                    Decimal(score_text(it.lowest)),
                    Decimal(score_text(it.highest)),
                ),
            )
            for it in final_standings(outcome)
        ),
        strong=panel.lines[0] if outcome.order is not None else 0,
    )
    given = RecordTable(
        (
            *(figures[1], RecordColumn(words["name"])),
            *(RecordColumn(getattr(c.name, language), "figure") for c in panel.rules.criteria),
        ),
        tuple(
            (int(number), names[int(number)], *(Decimal(row[c.key]) for c in panel.rules.criteria))
            for number, rows in points.items()
            for row in rows
        ),
    )
    method = words["methods"][panel.rules.method].format(trim=panel.rules.trim)
    is_final, chair = outcome.last is not None, panel.rules.chair
    present = sorted(
        (e for e in panel.experts if e.account_id in outcome.present),
        key=lambda expert: expert.account_id != chair,
    )
    signers = [Signer("chair" if e.account_id == chair else "expert", e.name) for e in present]
    return Record(
        title=texts["title"] if is_final else texts["first_title"],
        subtitle=getattr(panel.selection.title, language),
        closing=texts["title"],
        sections=(
            Section(heading=words["results"], paragraphs=(method,), table=standings),
            *([_ties_section(panel, outcome, language)] if is_final else []),
            Section(heading=texts["points"], paragraphs=(texts["points_hint"],), table=given),
        ),
        signatures=signature_lines(signers, language),
    )


def _ties_section(panel: Panel, outcome: PanelOutcome, language: Language) -> Section:
    ties = ties_of_lines(panel, outcome, language)
    heading = document_texts(language, "minutes")["ties"]
    return Section(heading=heading, paragraphs=tie_sentences(ties, language))


def _results(panel: Panel, outcome: PanelOutcome, names: dict[int, str]) -> tuple[PanelResult, ...]:
    winners, last = panel.lines
    return tuple(
        PanelResult(
            rank=standing.place,
            number=standing.number,
            name=names[standing.number].partition(" ")[2],
            score=score_text(standing.score),
            judges=standing.judges,
            outcome="winner" if above < winners else "nominee" if above < last else "none",
        )
        for above, standing in enumerate(final_standings(outcome))
    )


def _names(panel: Panel, language: Language) -> dict[int, str]:
    """Return the candidates by number, each as number and name."""
    assert panel.contest is not None
    return {c.number: f"{c.number} {getattr(c.name, language)}" for c in panel.contest.candidates}


def ties_of_lines(panel: Panel, outcome: PanelOutcome, language: Language) -> tuple[TieBallot, ...]:
    """Return the ties across the places of the last winner and the last nominee: those that ballots
    ordered, or those that wait for their ballot."""
    names = _names(panel, language)
    if outcome.order is None:
        return tuple(
            TieBallot(line=tie.line, tied=tuple(names[n] for n in tie.numbers), places=tie.places)
            for tie in outcome.ties
        )
    return tuple(
        TieBallot(
            line=resolved.tie.line,
            tied=tuple(names[number] for number in resolved.tie.numbers),
            places=resolved.tie.places,
            ballots=resolved.ballots,
            order=tuple(names[number] for number in resolved.order),
            by_public_vote=tuple(
                tuple(names[number] for number in group) for group in resolved.by_public_vote
            ),
        )
        for resolved in outcome.resolved_ties
    )


def _discussion(panel: Panel, language: Language) -> str:
    if DISCUSSION not in panel.ends:
        return ""
    text: str = document_texts(language, "minutes")["discussed"]
    return text.format(
        present=len(panel.submitted(SCORING)), revised=len(panel.submitted(DISCUSSION))
    )


def _decision(approval: ApprovalRequest, language: Language) -> str:
    texts = document_texts(language, "minutes")["decided"]
    kind, _, part = approval.subject.partition("/")
    people = {"proposer": approval.proposer, "approver": approval.approver}
    match kind:
        case "rules":
            return str(texts["rules"]).format(version=part, **people)
        case "close":
            return str(texts["close"]).format(round=part, **people)
        case _:
            return str(texts["result"]).format(version=kind, **people)
