"""Missing glyphs are found before printing."""

from __future__ import annotations

from fontTools.ttLib import TTFont

from voting_service.infrastructure.typesetting.glyph_coverage import (
    FONTS,
    missing_glyphs,
    printable,
)


def test_common_and_extension_a_characters_are_there() -> None:
    assert missing_glyphs("最美巴渝工匠 王堃镕喆 㐀䶵 Ärger №1 ①②③ ≤ × — …·（）") == ()


def test_each_missing_character_is_named_once_in_order() -> None:
    assert missing_glyphs("𪚥a𠀀b𪚥") == ("𪚥", "𠀀")


def test_white_space_needs_no_glyph() -> None:
    assert missing_glyphs("a\n\tb\u200b\u3000c") == ()


def test_a_variation_selector_is_not_dropped_silently() -> None:
    assert missing_glyphs("葛\U000e0100") == ("\U000e0100",)


def test_both_weights_have_the_same_characters() -> None:
    with TTFont(FONTS / "NotoSansSC-Bold.ttf", lazy=True) as bold:
        assert frozenset(bold.getBestCmap()) == printable()
