"""The summary report (总结报道): the figures of every stage, with charts and the result."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec

from voting_service.contests.model import Language, Text
from voting_service.office.printing.wording import day, moment, paragraphs, short_day, words
from voting_service.typesetting.compile import typeset


class RecommendedFrom(msgspec.Struct, frozen=True, kw_only=True):
    """What came from a district, a department or an industry, and how much was accepted."""

    name: Text
    received: int
    accepted: int


class RecommendationFigures(msgspec.Struct, frozen=True, kw_only=True):
    bodies: int
    bodies_active: int
    received: int
    accepted: int
    returned: int
    rejected: int
    chosen: int
    objections: int
    by_district: tuple[RecommendedFrom, ...]
    by_department: tuple[RecommendedFrom, ...]
    by_industry: tuple[RecommendedFrom, ...]


class VotingDay(msgspec.Struct, frozen=True, kw_only=True):
    on: date
    received: int
    counted: int


class VoteFigures(msgspec.Struct, frozen=True, kw_only=True):
    """As published with the cut; `last_votes` and `margin` are those at its line."""

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
    experts: int
    present: int
    conflicts: int
    winners: int
    nominees: int


class Awarded(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    name: str
    employer: str
    trade: str
    award: Literal["winner", "nominee"]


class SelectionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Winners first in `awarded`; an empty `introduction` is left out."""

    selection: Text
    introduction: Text
    recommendation: RecommendationFigures
    vote: VoteFigures
    panel: PanelFigures
    awarded: tuple[Awarded, ...]
    issuer: Text
    issued_on: date


def summary_report(summary: SelectionSummary, language: Language) -> bytes:
    """The PDF on A4, its title in both languages. Raises MissingGlyphs."""
    return typeset(__package__, "summary_report.typ", _printed(summary, language))


def _printed(summary: SelectionSummary, language: Language) -> dict[str, Any]:
    said = words(language, "summary_report")
    other: Language = "en" if language == "zh" else "zh"
    recommendation, vote, panel = summary.recommendation, summary.vote, summary.panel
    title = f"{getattr(summary.selection, language)} · {said['title']}"
    return {
        "language": language,
        "words": said,
        "selection": getattr(summary.selection, language),
        "title": title,
        "title_other": f"{getattr(summary.selection, other)} · "
        f"{words(other, 'summary_report')['title']}",
        "introduction": paragraphs(getattr(summary.introduction, language)),
        "issued": said["closing"].format(
            issuer=getattr(summary.issuer, language), day=day(summary.issued_on, language)
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
        "vote_window": said["vote_window"].format(
            opens=moment(vote.opens_at, language), closes=moment(vote.closes_at, language)
        ),
        "groups": {
            name: _bars(getattr(recommendation, name), language)
            for name in ("by_district", "by_department", "by_industry")
        },
        "days": [
            {"label": short_day(one.on, language), "received": one.received, "counted": one.counted}
            for one in vote.by_day
        ],
        "awarded": [
            [str(one.number), one.name, one.employer, one.trade, said["awards"][one.award]]
            for one in summary.awarded
        ],
        "winners": sum(one.award == "winner" for one in summary.awarded),
    }


def _bars(groups: tuple[RecommendedFrom, ...], language: Language) -> list[dict[str, Any]]:
    """In the form of charts.typ: accepted are `net`, the others `void`, that is hollow."""
    return [
        {
            "label": getattr(group.name, language),
            "net": group.accepted,
            "held": 0,
            "void": group.received - group.accepted,
        }
        for group in groups
    ]
