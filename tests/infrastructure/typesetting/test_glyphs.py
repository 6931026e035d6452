"""Missing glyphs are found before printing."""

from __future__ import annotations

from pathlib import Path

from fontTools.ttLib import TTFont

from voting_service.i18n.private_use import ENCODED_SINCE
from voting_service.infrastructure.typesetting.glyph_coverage import (
    FONTS,
    handwritten,
    missing_glyphs,
    printable,
)
from voting_service.nomination.form.model import RecommendationForm


def test_common_and_extension_a_characters_are_there() -> None:
    assert missing_glyphs("最美巴渝工匠 王堃镕喆 㐀䶵 Ärger №1 ①②③ ≤ × — …·（）") == ()


def test_each_missing_character_is_named_once_in_order() -> None:
    assert missing_glyphs("𪚥a𠀀b𪚥") == ("𪚥", "𠀀")


def test_white_space_needs_no_glyph() -> None:
    assert missing_glyphs("a\n\tb\u200b\u3000c") == ()


def test_a_variation_selector_is_not_dropped_silently() -> None:
    assert missing_glyphs("葛\U000e0100") == ("葛\U000e0100",)


def test_everything_that_has_texts_names_its_rare_characters() -> None:
    form = RecommendationForm(name="王𬎆·𠮷", deeds="𠮷 was here", employer="某厂")
    assert handwritten(form) == ("𬎆", "𠮷")
    assert handwritten({"people": [b"\xff", ("𪚥",)]}) == ("𪚥",)


def test_both_weights_have_the_same_characters() -> None:
    for family in ("NotoSansSC", "NotoSerifSC"):
        regular, bold = (TTFont(FONTS / f"{family}-{name}.ttf") for name in ("Regular", "Bold"))
        assert frozenset(bold.getBestCmap()) == frozenset(regular.getBestCmap()) <= printable()


def test_every_general_standard_character_is_in_every_font() -> None:
    """The 8,105 characters of the table of 2013, in its order, as Unicode lists them (Unihan 14,
    kTGH): what a name may be registered with. So no document has a gap for one."""
    listed = Path(__file__).with_name("general_standard_characters.txt").read_text("utf-8")
    characters = "".join(listed.split())
    assert len(characters) == len(set(characters)) == 8105
    assert missing_glyphs(characters) == ()
    for font in sorted(FONTS.glob("*.ttf")):
        assert frozenset(map(ord, characters)) <= frozenset(TTFont(font).getBestCmap()), font.name


def test_every_character_of_the_basic_block_and_of_gb_2312_is_there() -> None:
    level_one_and_two = bytes(
        part for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF) for part in (high, low)
    ).decode("gb2312", errors="ignore")
    assert len(level_one_and_two) == 6763
    assert missing_glyphs(level_one_and_two) == ()
    assert missing_glyphs("".join(map(chr, range(0x4E00, 0x9FA6)))) == ()


def test_every_encoded_character_of_the_private_area_is_printed_or_a_gap() -> None:
    lacking = missing_glyphs("".join(map(chr, ENCODED_SINCE.values())))
    assert all(ord(character) > 0xFFFF or character in "ḿǹ" for character in lacking)
