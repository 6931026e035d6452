"""Which characters the fonts can print.

A character without a glyph comes out as an empty box and nobody is told: a name must never be
printed so. The fonts have the common characters and extension A, not extension B and beyond.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

FONTS = Path(__file__).parent / "fonts"
"""Filled by hatch_build.py. Regular and bold have the same characters; a test compares them."""

REGULAR = FONTS / "NotoSansSC-Regular.ttf"

_INVISIBLE = frozenset("\t\n\r\u00ad\u200b\u200c\u200d\u2060\ufeff")
"""Needs no glyph. Variation selectors are not among these: without theirs, a name would be
printed in another form than the one that was written."""


@cache
def printable() -> frozenset[int]:
    """Code points with a glyph."""
    if not REGULAR.is_file():
        raise FileNotFoundError(f"the fonts are not installed: `make setup` puts {REGULAR} there")
    with TTFont(REGULAR, lazy=True) as font:
        return frozenset(font.getBestCmap())


def missing_glyphs(text: str) -> tuple[str, ...]:
    """The characters of `text` that would be printed as an empty box, each once, in order."""
    return tuple(
        character
        for character in dict.fromkeys(text)
        if ord(character) not in printable() and character not in _INVISIBLE
    )
