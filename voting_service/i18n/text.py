"""The languages of the service, and a text in all of them."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Text(msgspec.Struct, frozen=True):
    """A text in both languages."""

    zh: str
    en: str


def in_both(zh: str, en: str) -> Text:
    """Return a typed text; without English the Chinese stands for both."""
    return Text(zh.strip(), en.strip() or zh.strip())


def typed_english(zh: str, en: str) -> str:
    """Return what stands in the English input of a text: nothing where the Chinese stands for
    both."""
    return "" if en == zh else en
