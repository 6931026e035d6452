"""Chinese in pinyin, without tones: a syllable for each character."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any


def syllables(text: str, *, with_others: bool = False) -> list[str]:
    """Return the usual reading of a text. What is not Chinese is left out, or stands as it is."""
    read: list[str] = _library().lazy_pinyin(text, errors="default" if with_others else "ignore")
    return read


def readings(text: str) -> Sequence[Sequence[str]]:
    """Return for each character all its readings, the usual first."""
    library = _library()
    read: Sequence[Sequence[str]] = library.pinyin(
        text, style=library.Style.NORMAL, heteronym=True, errors="ignore"
    )
    return read


def _library() -> Any:
    # Its dictionary takes a third of a second to import, and most processes read no name.
    return import_module("pypinyin")
