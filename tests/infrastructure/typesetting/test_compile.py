"""Templates become PDFs: unchanged data, reproducible bytes, readable errors."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.picture_files import jpeg
from tests.printed import (
    check_looks_right,
    outside_margins,
    printed,
)
from voting_service.errors import Unavailable
from voting_service.infrastructure.typesetting.compiler import (
    TypesettingFailed,
    typeset,
    typeset_in_background,
)
from voting_service.infrastructure.typesetting.glyph_coverage import missing_glyphs, use_fonts

PACKAGE = "tests.infrastructure.typesetting"
HOSTILE = (
    '#import "/etc/passwd" #panic() *bold* _it_ $x^2$ "q" \'s\' <lab> @ref \\n `raw` = head'
    " - item // c /* d */ ]#[ {x} ~ --- %s {{ t }} <b>&amp;</b> 王小明"
)


def data(text: str = "王小明", rows: int = 5) -> dict[str, Any]:
    return {"title": "A 标题", "text": text, "number": 1_234_567, "rows": rows}


def set_everything(text: str = "王小明", rows: int = 5) -> bytes:
    return typeset(PACKAGE, "everything.typ", data(text, rows))


def test_the_shared_look_prints_words_tables_and_charts() -> None:
    document = printed(set_everything())
    check_looks_right(document)
    assert "1,234,567" in document.text
    assert "−1,234,567" in document.text
    assert f"Page 1 of {len(document.pages)}" in document.pages[0].text


def test_a_table_goes_on_on_the_next_page_under_its_head() -> None:
    document = printed(set_everything(rows=60))
    check_looks_right(document)
    with_table = [page for page in document.pages if "votes" in page.text]
    assert len(document.pages) == 3
    assert len(with_table) == 2


def test_markup_in_data_is_printed_as_it_stands() -> None:
    document = printed(set_everything(HOSTILE))
    check_looks_right(document)
    plain = document.text.replace(" ", "")
    assert plain.count(HOSTILE.replace(" ", "")) >= 5


@pytest.mark.parametrize("word", ["x" * 300, "长" * 300, "https://example.org/" + "a-b/" * 60])
def test_a_word_without_an_end_stays_on_the_page(word: str) -> None:
    document = printed(set_everything(f"before {word} after"))
    check_looks_right(document)
    assert word in document.text


@settings(max_examples=8, deadline=None)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF), max_size=60))
@example("\u200b#\u00ad\ufeff")
def test_any_text_is_set(text: str) -> None:
    check_looks_right(printed(set_everything(text)))


def test_the_same_data_gives_the_same_bytes_and_no_time_of_making() -> None:
    first = set_everything()
    assert set_everything() == first
    assert set_everything("another") != first
    assert b"CreationDate" not in first
    assert b"ModDate" not in first


def test_characters_without_a_glyph_leave_gaps_and_marks_leave_nothing() -> None:
    document = printed(set_everything("张𠀀明\u202e葛\U000e0100"))
    check_looks_right(document)
    assert "𠀀" not in document.text
    assert "\u202e" not in document.text
    assert "明" in document.text


def test_a_font_of_a_folder_prints_what_ours_lack(tmp_path: Path) -> None:
    rare = "\U0002c386"
    font_with(rare, tmp_path / "deep" / "Rare.ttf")
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    assert missing_glyphs(rare) == (rare,)
    use_fonts(tmp_path)
    try:
        assert missing_glyphs(rare) == ()
        document = printed(set_everything(f"王{rare}明"))
        check_looks_right(document)
        assert any(name.endswith("+Rare-Regular") for name, _ in document.fonts)
    finally:
        use_fonts(None)
    assert missing_glyphs(rare) == (rare,)


def font_with(character: str, path: Path) -> None:
    """Make a font that has a square for one character."""
    pen = TTGlyphPen(None)
    for x, y in ((100, 0), (100, 800), (900, 800), (900, 0)):
        (pen.moveTo if (x, y) == (100, 0) else pen.lineTo)((x, y))
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "rare"])
    builder.setupCharacterMap({ord(character): "rare"})
    builder.setupGlyf({".notdef": pen.glyph(), "rare": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "rare": (1000, 0)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    names = {"familyName": "Rare", "styleName": "Regular", "psName": "Rare-Regular"}
    builder.setupNameTable(names)
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, usWinAscent=880, usWinDescent=120)
    builder.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    builder.save(path)


def test_a_picture_is_an_asset() -> None:
    pdf = typeset(PACKAGE, "picture.typ", {}, assets={"portrait.jpg": jpeg()})
    [page] = printed(pdf).pages
    assert page.ink > 0.005


def test_a_template_reads_nothing_of_the_machine() -> None:
    for path in ("/etc/passwd", "../../../../../../etc/passwd"):
        with pytest.raises(TypesettingFailed):
            typeset(PACKAGE, "outside.typ", {"path": path})


def test_a_fault_of_the_template_is_shown_with_its_place() -> None:
    with pytest.raises(TypesettingFailed, match=r"(?s)broken\.typ.*no-such-key"):
        typeset(PACKAGE, "broken.typ", {})


def test_a_document_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(Unavailable, match=r"endless\.typ"):
        typeset(PACKAGE, "endless.typ", {}, timeout_seconds=0.5)


def test_a_document_that_needs_too_much_memory_is_given_up() -> None:
    with pytest.raises(TypesettingFailed, match=r"greedy\.typ .*memory"):
        typeset(PACKAGE, "greedy.typ", {})


async def test_in_the_background_the_loop_goes_on() -> None:
    turns = 0
    task = asyncio.create_task(typeset_in_background(PACKAGE, "everything.typ", data()))
    while not task.done():
        turns += 1
        await asyncio.wait([task], timeout=0.01)
    assert task.result() == set_everything()
    assert turns > 3


def test_what_runs_over_the_margin_is_seen() -> None:
    wide = typeset(PACKAGE, "wide.typ", {})
    assert outside_margins(printed(wide).pages[0]) is not None
