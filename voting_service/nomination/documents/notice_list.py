"""The printed list of people in a public notice, such as that of the shortlist."""

from __future__ import annotations

from datetime import date

import msgspec

from voting_service.i18n.formatting import written_day
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.formatting import document_texts


class NoticeListRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is public of one person."""

    number: int | None = None
    name: str
    employer: str
    trade: str
    body: Text


class NoticeList(msgspec.Struct, frozen=True, kw_only=True):
    """A list, printed in the order given; without any number the column is left out."""

    selection: Text
    title: Text
    introduction: Text
    people: tuple[NoticeListRow, ...]
    issuer: Text
    issued_on: date


def render_notice_list(listed: NoticeList, language: Language) -> bytes:
    """Return the PDF on A4. Raises MissingGlyphs."""
    texts = document_texts(language, "notice_list")
    data = {
        "language": language,
        "words": texts,
        "title": getattr(listed.title, language),
        "selection": getattr(listed.selection, language),
        "introduction": getattr(listed.introduction, language),
        "count": texts["count"].format(count=len(listed.people)),
        "issued": texts["issued"].format(
            issuer=getattr(listed.issuer, language), day=written_day(listed.issued_on, language)
        ),
        "numbered": any(person.number is not None for person in listed.people),
        "people": [
            {
                "number": "" if person.number is None else str(person.number),
                "name": person.name,
                "employer": person.employer,
                "trade": person.trade,
                "body": getattr(person.body, language),
            }
            for person in listed.people
        ],
    }
    return typeset(__package__, "notice_list.typ", data)
