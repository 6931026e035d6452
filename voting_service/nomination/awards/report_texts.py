"""The texts that staff write for the summary report, by section. Before anybody wrote, the figures
of the selection give a first draft."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.formatting import written_deadline, written_moment, written_number
from voting_service.i18n.text import LANGUAGES, Text
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.awards.document_data import QUERIES
from voting_service.nomination.documents.formatting import quotable
from voting_service.nomination.documents.summary_report import SelectionSummary
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.disclosure import disclosures
from voting_service.staff.actor import Actor

ReportSection = Literal["organisation", "recommendation", "vote", "panel", "publicity", "lessons"]
REPORT_SECTIONS: tuple[ReportSection, ...] = get_args(ReportSection)
MAX_CHARACTERS = {"zh": 3000, "en": 9000}
"""The most characters of a section, in each language."""


class ReportTexts(msgspec.Struct, frozen=True):
    """The text of every section; `revision` 0 was never saved."""

    sections: Mapping[ReportSection, Text]
    revision: int = 0
    saved_by: str = ""
    saved_at: datetime | None = None


class ReportChanged(Refused):
    """Somebody else saved the texts since they were loaded."""


async def load_report_texts(connection: AnyConnection, selection: Selection) -> ReportTexts | None:
    """Load the saved texts; None before anybody saved."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["report_texts"], selection.id)
    return None if row is None else msgspec.convert(dict(row), ReportTexts)


async def save_report_texts(actor: Actor, selection: Selection, texts: ReportTexts) -> None:
    """Store the texts of `texts`, whose revision is the one that was edited. Raises InvalidInput
    for a text that is too long or holds personal data, and ReportChanged."""
    by_field = {
        f"{section}.{language}": getattr(text, language)
        for section, text in texts.sections.items()
        for language in LANGUAGES
    }
    faults = [
        Fault(field, "nomination.awards.report_text_too_long", limit=limit)
        for field, text in by_field.items()
        if len(text) > (limit := MAX_CHARACTERS[field[-2:]])
    ]
    if faults := [*faults, *disclosures(by_field)]:
        raise InvalidInput(*faults)
    with domain_errors():
        async with actor.connection.transaction():
            revision = await actor.connection.fetchval(
                QUERIES["save_report_texts"],
                selection.id,
                msgspec.to_builtins(texts.sections),
                actor.account.id,
                actor.now,
                texts.revision,
            )
            if revision is None:
                raise ReportChanged("nomination.awards.report_changed_elsewhere")
            await actor.record("report_changed", selection.slug, f"revision {revision}")


def draft_report_texts(selection: Selection, summary: SelectionSummary) -> ReportTexts:
    """Return a first draft of every section, in sentences that hold the selection's figures."""
    rules, zone = selection.rules, selection.zone
    figures: dict[str, Any] = {
        name: Text(**{language: written_number(value, language) for language in LANGUAGES})
        for part in (summary.recommendation, summary.vote, summary.panel, summary.publicity)
        for name, value in msgspec.structs.asdict(part).items()
        if isinstance(value, int)
    }

    def begin(value: datetime) -> Text:
        return Text(**{name: written_moment(value, zone, name) for name in LANGUAGES})

    def end(value: datetime) -> Text:
        return Text(**{name: written_deadline(value, zone, name) for name in LANGUAGES})

    closes = end(selection.closes_at)
    if selection.extensions:
        first = end(selection.extensions[0].closed_at)
        closes = load_text("awards", "report.extended", closes=closes, first=first)
    figures |= {
        "host": rules.host,
        "office": rules.office,
        "year": selection.year,
        "award": quotable(rules.award),
        "opens": begin(selection.opens_at),
        "closes": closes,
        "vote_opens": begin(summary.vote.opens_at),
        "vote_closes": end(summary.vote.closes_at),
        "bodies_share": _percent(
            summary.recommendation.bodies_active, summary.recommendation.bodies
        ),
        "returned_share": _percent(
            summary.recommendation.returned, summary.recommendation.received
        ),
        "void_share": _percent(summary.vote.void, summary.vote.ballots),
    }
    return ReportTexts(
        {
            section: load_text("awards", f"report.drafts.{section}", **figures)
            for section in REPORT_SECTIONS
        }
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "0%"
