"""The result as the joint office announces it on paper: first proposed, then final."""

from __future__ import annotations

from datetime import datetime, timedelta

from voting_service.i18n.catalogues import load_text
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.awards.document_data import load_newest_result, public_employer
from voting_service.nomination.awards.published_result import PublishedAward
from voting_service.nomination.documents.formatting import day_text, quotable
from voting_service.nomination.documents.notice_list import (
    NoticeGroup,
    NoticeList,
    NoticeListRow,
)
from voting_service.nomination.panel.candidates import load_recommended
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.privacy.encryption import PersonalKeys


async def build_announcement(
    connection: AnyConnection, keys: PersonalKeys, panel: Panel, now: datetime
) -> NoticeList:
    """Load the announcement of the newest result. Raises Refused before there is one."""
    contest, result, document = await load_newest_result(connection, panel)
    recommended = await load_recommended(connection, keys, panel)
    candidates = {candidate.number: candidate for candidate in contest.candidates}

    def row(award: PublishedAward) -> NoticeListRow:
        employer = public_employer(candidates[award.number], recommended.get(award.number))
        return NoticeListRow(
            number=award.number,
            name=award.name,
            employer=employer,
            trade=award.trade,
            body=award.district,
        )

    rules, zone = panel.selection.rules, panel.selection.zone
    is_final = now >= document.objections_end
    first_day = result.visible_at.astimezone(zone).date()
    # A period that ends at midnight has the day before as its last one.
    last_day = (document.objections_end.astimezone(zone) - timedelta(microseconds=1)).date()
    names = {"year": panel.selection.year, "award": quotable(rules.award)}
    return NoticeList(
        title=load_text(
            "awards",
            "announcement.final_title" if is_final else "announcement.proposed_title",
            **names,
        ),
        introduction=load_text(
            "awards",
            "announcement.final" if is_final else "announcement.proposed",
            winners=len(document.winners),
            nominees=len(document.nominees),
            first_day=day_text(first_day),
            last_day=day_text(last_day),
            how_to_object=rules.contact
            or load_text("shortlist", "public_notice.how_to_object", office=rules.office),
            **names,
        ),
        groups=(
            NoticeGroup(
                load_text("awards", "announcement.winners", **names),
                tuple(map(row, document.winners)),
            ),
            NoticeGroup(
                load_text("awards", "announcement.nominees", **names),
                tuple(map(row, document.nominees)),
            ),
        ),
        issuer=rules.office,
        issued_on=last_day if is_final else first_day,
        year=panel.selection.year,
        document_code=rules.document_code,
        contact_person=rules.contact_person,
        telephone=rules.telephone,
    )
