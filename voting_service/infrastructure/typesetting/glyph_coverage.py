"""The characters that the fonts can print.

Typst prints a character without a glyph as an empty box, without an error; a name must never be
printed like that. Ours have the common characters and CJK extension A, not B and later: those come
from the fonts of a folder that an operator names (VOTING_FONTS). What no font has is printed as a
gap, to be written in by hand (`compiler.py`), and named to the person who prints.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import regex
from fontTools.ttLib import TTCollection, TTFont, TTLibError

FONTS = Path(__file__).parent / "fonts"
"""Filled by hatch_build.py. Regular and bold have the same characters; a test compares them."""

REGULAR = FONTS / "NotoSansSC-Regular.ttf"
FONT_TYPES = frozenset({".ttf", ".otf", ".ttc", ".otc"})

_CLUSTER = regex.compile(r"\X")
_UNSEEN = regex.compile(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034f\ufe0e\ufe0f]")
"""Characters that need no glyph. Variation selectors of ideographs do: without its glyph, a name
would be printed in another form than it was written."""

_folders = [FONTS]


def use_fonts(folder: Path | None) -> None:
    """Take glyphs that our fonts lack from those of a folder. Called when a process starts."""
    chosen = [FONTS] if folder is None else [FONTS, folder]
    if chosen != _folders:
        _folders[:] = chosen
        printable.cache_clear()


def font_folders() -> tuple[Path, ...]:
    """Return the folders whose fonts are used."""
    return tuple(_folders)


@cache
def printable() -> frozenset[int]:
    """Return the code points that have a glyph. A file that is no font is left out, as Typst leaves
    it out."""
    if not REGULAR.is_file():
        raise RuntimeError(f"the fonts are not installed: `make setup` puts {REGULAR} there")
    files = (file for folder in _folders for file in sorted(folder.rglob("*")))
    return frozenset().union(*map(_code_points, files))


def _code_points(file: Path) -> frozenset[int]:
    if file.suffix.lower() not in FONT_TYPES or not file.is_file():
        return frozenset()
    try:
        with file.open("rb") as stream:
            is_collection = file.suffix.lower() in {".ttc", ".otc"}
            fonts = (
                TTCollection(stream, lazy=True) if is_collection else [TTFont(stream, lazy=True)]
            )
            return frozenset().union(*(font.getBestCmap() or {} for font in fonts))
    except (TTLibError, OSError):
        return frozenset()


def missing_glyphs(text: str) -> tuple[str, ...]:
    """Return what no font can print, each once, in order: a character, with the marks on it."""
    if text.isascii():
        return ()
    return tuple(
        dict.fromkeys(
            cluster for cluster in _CLUSTER.findall(text) if not all(map(_is_printed, cluster))
        )
    )


def _is_printed(character: str) -> bool:
    return ord(character) in printable() or _UNSEEN.match(character) is not None


def handwritten(value: Any) -> tuple[str, ...]:
    """Return the same of every text in anything that msgspec encodes: of a form, of what a document
    is made from."""
    plain = msgspec.to_builtins(value, builtin_types=(bytes,), str_keys=True)
    return tuple(
        dict.fromkeys(part for text in texts_within(plain) for part in missing_glyphs(text))
    )


def unseen_controls(text: str) -> frozenset[str]:
    """Return the characters that are not printed and could only turn the others around."""
    return frozenset(control for control in _UNSEEN.findall(text) if control not in "\t\n\r")


def texts_within(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, keys included, as templates may print them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from texts_within(key)
            yield from texts_within(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts_within(part)
