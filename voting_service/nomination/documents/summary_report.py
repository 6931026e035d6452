"""The summary report: what staff wrote, the figures of every stage with charts, and the result."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from voting_service.i18n.formatting import written_day
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.formatting import (
    beijing_time,
    document_texts,
    paragraphs,
    short_day,
)


class RecommendationGroup(msgspec.Struct, frozen=True, kw_only=True):
    """How many recommendations of a district, a department or an industry were received, and how
    many of them accepted."""

    name: Text
    received: int
    accepted: int


class RecommendationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of recommending, review and shortlist."""

    bodies: int
    bodies_active: int
    received: int
    accepted: int
    returned: int
    rejected: int
    chosen: int
    objections: int
    by_district: tuple[RecommendationGroup, ...]
    by_department: tuple[RecommendationGroup, ...]
    by_industry: tuple[RecommendationGroup, ...]


class VotingDay(msgspec.Struct, frozen=True, kw_only=True):
    """The ballots of one day."""

    on: date
    received: int
    counted: int


class VoteFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures published with the cut: `last_votes` of the last candidate who advances,
    `margin` of votes over the next one."""

    opens_at: datetime
    closes_at: datetime
    ballots: int
    counted: int
    void: int
    by_day: tuple[VotingDay, ...]
    advancing: int
    last_votes: int
    margin: int


class PanelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the expert panel."""

    experts: int
    present: int
    conflicts: int
    winners: int
    nominees: int


class PublicityFigures(msgspec.Struct, frozen=True):
    """How many winners and nominees have a published story, and how many a video."""

    stories: int
    videos: int


class ReportedAward(msgspec.Struct, frozen=True, kw_only=True):
    """One person in the report's list of winners and nominees."""

    number: int
    name: Text
    employer: Text
    trade: Text
    award: Literal["winner", "nominee"]


class SelectionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Winners first in `awarded`; `texts` by section (nomination/awards/report_texts.py)."""

    selection: Text
    texts: Mapping[str, Text]
    recommendation: RecommendationFigures
    vote: VoteFigures
    panel: PanelFigures
    publicity: PublicityFigures
    awarded: tuple[ReportedAward, ...]
    issuer: Text
    issued_on: date


def render_summary_report(summary: SelectionSummary, language: Language) -> bytes:
    """Return the PDF on A4, its title in both languages."""
    return typeset(__package__, "summary_report.typ", _template_data(summary, language))


def _template_data(summary: SelectionSummary, language: Language) -> dict[str, Any]:
    texts = document_texts(language, "summary_report")
    other: Language = "en" if language == "zh" else "zh"
    recommendation, vote, panel = summary.recommendation, summary.vote, summary.panel
    title = f"{getattr(summary.selection, language)} · {texts['title']}"
    return {
        "language": language,
        "words": texts,
        "selection": getattr(summary.selection, language),
        "title": title,
        "title_other": f"{getattr(summary.selection, other)} · "
        f"{document_texts(other, 'summary_report')['title']}",
        "texts": {
            section: paragraphs(getattr(text, language)) for section, text in summary.texts.items()
        },
        "issued": texts["closing"].format(
            issuer=getattr(summary.issuer, language), day=written_day(summary.issued_on, language)
        ),
        "figures": {
            **{
                name: value
                for part in (recommendation, vote, panel)
                for name, value in msgspec.structs.asdict(part).items()
                if isinstance(value, int)
            },
            "voting_days": len(vote.by_day),
        },
        "vote_window": texts["vote_window"].format(
            opens=beijing_time(vote.opens_at, language),
            closes=beijing_time(vote.closes_at, language),
        ),
        "groups": {
            name: _bars(getattr(recommendation, name), language)
            for name in ("by_district", "by_department", "by_industry")
        },
        "days": [
            {"label": short_day(day.on, language), "received": day.received, "counted": day.counted}
            for day in vote.by_day
        ],
        "awarded": [
            [
                str(person.number),
                *(getattr(text, language) for text in (person.name, person.employer, person.trade)),
                texts["awards"][person.award],
            ]
            for person in summary.awarded
        ],
        "winners": sum(person.award == "winner" for person in summary.awarded),
    }


def _bars(groups: tuple[RecommendationGroup, ...], language: Language) -> list[dict[str, Any]]:
    """Return bars for charts.typ: accepted as `net`, the others as `void`, drawn hollow."""
    return [
        {
            "label": getattr(group.name, language),
            "net": group.accepted,
            "held": 0,
            "void": group.received - group.accepted,
        }
        for group in groups
    ]
