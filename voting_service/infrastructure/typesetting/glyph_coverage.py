"""The characters that the fonts can print.

Typst prints a character without a glyph as an empty box, without an error; a name must never be
printed like that. The fonts cover the common characters and CJK extension A, not B and later.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

FONTS = Path(__file__).parent / "fonts"
"""Filled by hatch_build.py. Regular and bold have the same characters; a test compares them."""

REGULAR = FONTS / "NotoSansSC-Regular.ttf"

_INVISIBLE = frozenset("\t\n\r\u00ad\u200b\u200c\u200d\u2060\ufeff")
"""Characters that need no glyph. Variation selectors do: without its glyph, a name would be printed
in another form than it was written."""


@cache
def printable() -> frozenset[int]:
    """Return the code points that have a glyph."""
    if not REGULAR.is_file():
        raise RuntimeError(f"the fonts are not installed: `make setup` puts {REGULAR} there")
    with TTFont(REGULAR, lazy=True) as font:
        return frozenset(font.getBestCmap())


def missing_glyphs(text: str) -> tuple[str, ...]:
    """Return the characters of a text that have no glyph, each once, in order."""
    return tuple(
        character
        for character in dict.fromkeys(text)
        if ord(character) not in printable() and character not in _INVISIBLE
    )
