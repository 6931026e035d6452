"""A public notice as the joint office issues it on paper: its number, text, lists of people, whom
to ask, who issues it and when, and room for the stamp."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from voting_service.i18n.formatting import written_day
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.formatting import (
    DocumentTexts,
    document_texts,
    paragraphs,
)


class NoticeListRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is public of one person."""

    number: int | None = None
    name: Text
    employer: Text
    trade: Text
    body: Text


class NoticeGroup(msgspec.Struct, frozen=True):
    """People under a heading of their own, in the order given; an empty one is left out."""

    heading: Text
    people: tuple[NoticeListRow, ...]


class NoticeList(msgspec.Struct, frozen=True, kw_only=True):
    """A notice. Without any number of a person the column is left out. An empty `document_code`,
    `contact_person` or `telephone` leaves room to write it by hand."""

    title: Text
    introduction: Text
    groups: tuple[NoticeGroup, ...]
    issuer: Text
    issued_on: date
    year: int
    document_code: str = ""
    contact_person: str = ""
    telephone: str = ""


def render_notice_list(listed: NoticeList, language: Language) -> bytes:
    """Return the PDF on A4."""
    texts = document_texts(language, "notice_list")
    data = {
        "language": language,
        "words": texts,
        "title": getattr(listed.title, language),
        "document_number": texts["document_number"]
        .format(code=listed.document_code if language == "zh" else "", year=listed.year)
        .strip(),
        "introduction": paragraphs(getattr(listed.introduction, language)),
        "contact": [
            (texts["contact_person"], listed.contact_person),
            (texts["telephone"], listed.telephone),
        ],
        "stamp": document_texts(language, "signature")["place"],
        "issuer": getattr(listed.issuer, language),
        "day": written_day(listed.issued_on, language),
        "numbered": any(
            person.number is not None for group in listed.groups for person in group.people
        ),
        "groups": [_group(group, texts, language) for group in listed.groups],
    }
    return typeset(__package__, "notice_list.typ", data)


def _group(group: NoticeGroup, texts: DocumentTexts, language: Language) -> dict[str, Any]:
    return {
        "heading": getattr(group.heading, language),
        "count": texts["count"].format(count=len(group.people)),
        "people": [
            {
                "number": "" if person.number is None else str(person.number),
                **{
                    name: getattr(getattr(person, name), language)
                    for name in ("name", "employer", "trade", "body")
                },
            }
            for person in group.people
        ],
    }
