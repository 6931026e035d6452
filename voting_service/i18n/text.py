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
