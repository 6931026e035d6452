"""The picture album: a cover, a foreword, a spread for each person, a closing page.

For print: A4 with a bleed of 3 mm, crop marks, and pictures at up to 300 dots per inch. For the
web: A4, pictures at screen resolution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.nomination.documents.formatting import document_texts, paragraphs
from voting_service.nomination.documents.photos import (
    PRINT_DPI,
    WEB_DPI,
    crop_to_frame,
    dots_per_inch,
)

PAGE_MILLIMETRES = (210.0, 297.0)
BLEED_MILLIMETRES = 3.0
STORY_LINES = 38
"""Lines of 58 ideographs that fit on one page in the smallest type."""
_LINE_IDEOGRAPHS = 58
_LETTER_WIDTH = 0.6


class AlbumPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One spread; a person without a `picture` gets an ornament in its place."""

    name: Text
    award: Literal["winner", "nominee"]
    trade: Text
    employer: Text
    story: Text
    quotation: Text = Text(zh="", en="")
    picture: bytes | None = None


class Album(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of an album; `subtitle` stands on the cover, such as the year."""

    selection: Text
    subtitle: Text
    foreword: Text
    people: tuple[AlbumPerson, ...]
    issuers: tuple[Text, ...]


def render_album(
    contents: Album, language: Language, *, for_print: bool, timeout_seconds: float = 180
) -> bytes:
    """Return the PDF. Raises InvalidInput for a picture that cannot be read or
    a text that does not fit its page."""
    texts = document_texts(language, "album")
    for person in contents.people:
        _check_fits(getattr(person.story, language), person.name.zh)
    _check_fits(getattr(contents.foreword, language), texts["foreword"])
    assets = {
        f"person-{index}.jpg": _page_picture(person.picture, person.name.zh, for_print=for_print)
        for index, person in enumerate(contents.people)
        if person.picture is not None
    }
    assets["ornament.typ"] = resources.files(__package__).joinpath("ornament.typ").read_bytes()
    data = _template_data(contents, language, for_print=for_print)
    return typeset(__package__, "album.typ", data, assets=assets, timeout_seconds=timeout_seconds)


def too_coarse_for_print(contents: Album) -> Mapping[str, int]:
    """Return the pictures with less than 300 dots per inch on their page: name of the person and
    dots per inch."""
    coarse = {}
    for person in contents.people:
        if person.picture is not None:
            dots = dots_per_inch(person.picture, _frame(for_print=True), person=person.name.zh)
            if dots < PRINT_DPI:
                coarse[person.name.zh] = dots
    return coarse


def _frame(*, for_print: bool) -> tuple[float, float]:
    width, height = PAGE_MILLIMETRES
    bleed = BLEED_MILLIMETRES if for_print else 0.0
    return width + 2 * bleed, height + 2 * bleed


def _page_picture(data: bytes, person: str, *, for_print: bool) -> bytes:
    dpi = PRINT_DPI if for_print else WEB_DPI
    return crop_to_frame(data, _frame(for_print=for_print), dpi, person=person)


def _check_fits(text: str, title: str) -> None:
    lines = sum(
        math.ceil(
            (2 + sum(1.0 if c > "\u2e7f" else _LETTER_WIDTH for c in line)) / _LINE_IDEOGRAPHS
        )
        for line in paragraphs(text)
    )
    if lines > STORY_LINES:
        raise InvalidInput(
            Fault(
                "album",
                "nomination.documents.text_too_long_for_page",
                title=title,
                lines=lines,
                story_lines=STORY_LINES,
            )
        )


def _template_data(contents: Album, language: Language, *, for_print: bool) -> dict[str, Any]:
    texts = document_texts(language, "album")

    def read(text: Text) -> str:
        value: str = getattr(text, language)
        return value

    return {
        "language": language,
        "words": texts,
        "for_print": for_print,
        "selection": read(contents.selection),
        "selection_other": contents.selection.en if language == "zh" else contents.selection.zh,
        "subtitle": read(contents.subtitle),
        "foreword": paragraphs(read(contents.foreword)),
        "issuers": [read(issuer) for issuer in contents.issuers],
        "people": [
            {
                "name": read(person.name),
                "award": texts[person.award],
                "trade": read(person.trade),
                "employer": read(person.employer),
                "story": paragraphs(read(person.story)),
                "quotation": read(person.quotation).strip(),
                "has_picture": person.picture is not None,
            }
            for person in contents.people
        ],
    }
