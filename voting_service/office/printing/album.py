"""The picture album (画册): a cover, a foreword, a spread for each person, a closing page.

For a printing house: A4 with a bleed of 3 mm, crop marks, and pictures at 300 dots an inch where
they have them. For the web: A4 as it is seen, pictures as large as a screen shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

import msgspec

from voting_service.contests.model import Language, Text
from voting_service.errors import Fault, InvalidInput
from voting_service.office.printing.pictures import PRINT_DPI, WEB_DPI, framed, resolution
from voting_service.office.printing.wording import paragraphs, words
from voting_service.typesetting.compile import typeset

PAGE_MILLIMETRES = (210.0, 297.0)
BLEED_MILLIMETRES = 3.0
STORY_LINES = 38
"""Of 58 ideographs: what fits on one page in the smallest letters."""
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
    selection: Text
    subtitle: Text
    """On the cover, such as the year."""
    foreword: Text
    people: tuple[AlbumPerson, ...]
    issuers: tuple[Text, ...]


def album(
    contents: Album, language: Language, *, for_print: bool, timeout_seconds: float = 180
) -> bytes:
    """The PDF. Raises MissingGlyphs, and InvalidInput for a picture that is none or a text that
    does not fit its page."""
    for one in contents.people:
        _check_fits(getattr(one.story, language), one.name.zh)
    _check_fits(getattr(contents.foreword, language), "前言")
    assets = {
        f"person-{index}.jpg": _page_picture(one.picture, one.name.zh, for_print=for_print)
        for index, one in enumerate(contents.people)
        if one.picture is not None
    }
    assets["ornament.typ"] = resources.files(__package__).joinpath("ornament.typ").read_bytes()
    printed = _printed(contents, language, for_print=for_print)
    return typeset(
        __package__, "album.typ", printed, assets=assets, timeout_seconds=timeout_seconds
    )


def too_coarse_for_print(contents: Album) -> Mapping[str, int]:
    """Whose pictures have less than 300 dots an inch on their page, and how many they have."""
    found = {}
    for one in contents.people:
        if one.picture is not None:
            dots = resolution(one.picture, _frame(for_print=True), whose=one.name.zh)
            if dots < PRINT_DPI:
                found[one.name.zh] = dots
    return found


def _frame(*, for_print: bool) -> tuple[float, float]:
    wide, high = PAGE_MILLIMETRES
    bleed = BLEED_MILLIMETRES if for_print else 0.0
    return wide + 2 * bleed, high + 2 * bleed


def _page_picture(data: bytes, whose: str, *, for_print: bool) -> bytes:
    dpi = PRINT_DPI if for_print else WEB_DPI
    return framed(data, _frame(for_print=for_print), dpi, whose=whose)


def _check_fits(text: str, whose: str) -> None:
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
                f"the text of {whose} needs {lines} lines and {STORY_LINES} fit on its page; "
                "shorten it",
                zh=f"{whose}的文字约 {lines} 行，一页最多 {STORY_LINES} 行，请压缩。",
            )
        )


def _printed(contents: Album, language: Language, *, for_print: bool) -> dict[str, Any]:
    said = words(language, "album")

    def read(text: Text) -> str:
        value: str = getattr(text, language)
        return value

    return {
        "language": language,
        "words": said,
        "for_print": for_print,
        "selection": read(contents.selection),
        "selection_other": contents.selection.en if language == "zh" else contents.selection.zh,
        "subtitle": read(contents.subtitle),
        "foreword": paragraphs(read(contents.foreword)),
        "issuers": [read(issuer) for issuer in contents.issuers],
        "people": [
            {
                "name": read(one.name),
                "award": said[one.award],
                "trade": read(one.trade),
                "employer": read(one.employer),
                "story": paragraphs(read(one.story)),
                "quotation": read(one.quotation).strip(),
                "has_picture": one.picture is not None,
            }
            for one in contents.people
        ],
    }
