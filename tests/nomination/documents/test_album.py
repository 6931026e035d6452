"""The picture album: a spread for each person, for the printing house and for the web."""

from __future__ import annotations

import msgspec
import pytest

from tests.nomination.documents.page_layout import (
    A4,
    check_texts,
    metadata,
    sheets,
)
from tests.nomination.documents.printed_samples import (
    SENTENCE,
    long_text,
    make_album,
)
from tests.picture_files import jpeg
from tests.printed import printed
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.typesetting.glyph_coverage import handwritten, missing_glyphs
from voting_service.nomination.documents.album import render_album, too_coarse_for_print

SHARP = jpeg(2600, 3640)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_web_album_is_small_and_complete(language: Language) -> None:
    pdf = render_album(make_album((SHARP, jpeg(500, 700), None)), language, for_print=False)
    document, pages = printed(pdf), sheets(pdf)
    assert len(pages) == 3 + 2 * 3 + 1
    assert {page.size for page in pages} == {A4}
    check_texts(pdf, margin_millimetres=8)
    assert all(page.ink > 0.02 for page in document.pages)
    assert all(embedded for _, embedded in document.fonts)
    assert missing_glyphs(document.text) == ()
    assert list(metadata(pdf)) == ["Title"]
    assert max(dots for page in pages for dots in page.dots) <= 111
    assert [bool(page.dots) for page in pages[3:9:2]] == [True, True, False]
    assert (SENTENCE if language == "zh" else "Every part is a work.") in document.text
    assert len(pdf) < 600_000


def test_the_printing_house_gets_bleed_marks_and_sharp_pictures() -> None:
    contents = make_album((SHARP, None))
    pdf = render_album(contents, "zh", for_print=True)
    pages = sheets(pdf)
    assert {(page.size, page.trimmed) for page in pages} == {((230, 317), A4)}
    check_texts(pdf, margin_millimetres=8)
    assert pages[3].dots == (300,)
    cover = printed(pdf).pages[0].picture
    dots_per_millimetre = cover.width / 230

    def shade(x: float, y: float) -> int:
        left, top = round(x * dots_per_millimetre), round(y * dots_per_millimetre)
        return cover.crop((left, top, left + 1, top + 1)).tobytes()[0]

    assert shade(6.5, 150) > 250, "beyond the bleed is white"
    assert shade(7.8, 150) < 128, "the cover runs into the bleed"
    corner = cover.crop((0, 0, round(6 * dots_per_millimetre), round(14 * dots_per_millimetre)))
    assert min(corner.tobytes()) < 250, "there are crop marks"


def test_pictures_too_coarse_for_print_are_named() -> None:
    assert too_coarse_for_print(make_album((SHARP, jpeg(1280, 1792), None))) == {"获奖人2": 150}


@pytest.mark.parametrize("story", [long_text(2000), "短句。\n" * 38])
def test_the_longest_story_stays_on_its_page(story: str) -> None:
    contents = make_album((None,), story=story)
    [person] = contents.people
    person = msgspec.structs.replace(person, quotation=Text(zh=long_text(120), en=""))
    pdf = render_album(msgspec.structs.replace(contents, people=(person,)), "zh", for_print=False)
    check_texts(pdf, margin_millimetres=8)
    assert len(sheets(pdf)) == 6


@pytest.mark.parametrize("story", [long_text(2300), "短句。\n" * 39])
def test_a_story_that_does_not_fit_is_refused_by_name(story: str) -> None:
    with pytest.raises(InvalidInput, match="获奖人1"):
        render_album(make_album((None,), story=story), "zh", for_print=False)


def test_an_album_of_fifty_lists_all() -> None:
    pdf = render_album(make_album((None,) * 50), "zh", for_print=False)
    check_texts(pdf, margin_millimetres=8)
    assert printed(pdf).pages[1].text.count("获奖人") == 50


def test_names_with_rare_characters_and_dots_are_printed_or_leave_a_gap() -> None:
    contents = make_album((None,))
    [person] = contents.people
    name = Text(zh="王𬎆𠮷·买买提", en="Wang Jiji")
    person = msgspec.structs.replace(person, name=name)
    pdf = render_album(msgspec.structs.replace(contents, people=(person,)), "zh", for_print=False)
    assert "·买买提" in printed(pdf).text
    assert handwritten(contents) == ()
    assert handwritten(person) == ("𬎆", "𠮷")
