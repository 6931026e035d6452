"""A table of recommended people for a public notice, such as that of the fifty."""

from __future__ import annotations

from datetime import date

import msgspec

from voting_service.contests.model import Language, Text
from voting_service.office.printing.wording import day, words
from voting_service.typesetting.compile import typeset


class ListedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may know of somebody recommended."""

    number: int | None = None
    name: str
    employer: str
    trade: str
    body: Text


class ReviewList(msgspec.Struct, frozen=True, kw_only=True):
    """Printed in the order given; without any number, the column is left out."""

    selection: Text
    title: Text
    """Such as 候选人公示名单."""
    introduction: Text
    people: tuple[ListedPerson, ...]
    issuer: Text
    issued_on: date


def review_list(listed: ReviewList, language: Language) -> bytes:
    """The PDF on A4. Raises MissingGlyphs."""
    said = words(language, "review_list")
    issued = said["issued"].format(
        issuer=getattr(listed.issuer, language), day=day(listed.issued_on, language)
    )
    printed = {
        "language": language,
        "words": said,
        "title": getattr(listed.title, language),
        "selection": getattr(listed.selection, language),
        "introduction": getattr(listed.introduction, language),
        "count": said["count"].format(count=len(listed.people)),
        "issued": issued,
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
    return typeset(__package__, "review_list.typ", printed)
