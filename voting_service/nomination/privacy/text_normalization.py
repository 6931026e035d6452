"""Normalization of a text that keeps the position of every character in the original. No I/O."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import regex

from voting_service.i18n.patterns import load_patterns

_INVISIBLE = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}\p{Cc}\N{COMBINING ENCLOSING KEYCAP}]"
)
_LIKE_DIGITS = str.maketrans("OoОоΟοlI|", "000000111")
_LETTERS_IN_NUMBER = re.compile(r"(?<=[0-9])[OoОоΟοlI|]+|[OoОоΟοlI|]+(?=[0-9])")
_LIKE_X = re.compile(r"(?<=[0-9])[×✕✖хХχΧ](?!\s?[0-9])")
_VARIANTS = str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹘─", "-") | dict.fromkeys("・•‧∙⋅●", "·") | dict.fromkeys("〇○◯", "〇")
)
_NUMERALS = str.maketrans(
    load_patterns(__package__)["single_numerals"], "0011122223334455666778899079"
)


class PlainText(NamedTuple):
    """A normalized text; `places[i]` is the position of its i-th character in the original."""

    text: str
    places: tuple[int, ...]

    @classmethod
    def of(cls, original: str) -> PlainText:
        """Replace compatibility forms (such as full width) by plain characters, digits of every
        script by 0 to 9, and variants of dashes and dots by one; drop invisible characters."""
        pieces: list[str] = []
        places: list[int] = []
        for place, character in enumerate(original):
            plain = _plain(character)
            pieces.append(plain)
            places.extend([place] * len(plain))
        return cls("".join(pieces), tuple(places))

    def with_numerals_as_digits(self) -> PlainText:
        """Replace Chinese numerals of one digit, and circled, raised and similar ones, by that
        digit."""
        text = "".join(map(_digit, self.text.translate(_NUMERALS)))
        return PlainText(text, self.places)

    def with_letters_as_digits(self) -> PlainText:
        """Replace letters beside digits that look like one: O by 0, l by 1, and what looks like the
        X at the end of an ID number by it."""
        text = _LETTERS_IN_NUMBER.sub(lambda run: run[0].translate(_LIKE_DIGITS), self.text)
        return PlainText(_LIKE_X.sub("X", text), self.places)

    def bare(self) -> PlainText:
        """Keep letters and digits only, case-folded."""
        kept = [
            (folded, place)
            for character, place in zip(self.text, self.places, strict=True)
            if character.isalnum()
            for folded in character.casefold()
        ]
        return PlainText(
            "".join(character for character, _ in kept), tuple(place for _, place in kept)
        )


def _digit(character: str) -> str:
    value = unicodedata.numeric(character, -1)
    is_digit = unicodedata.category(character) == "No" and value in range(10)
    return str(int(value)) if is_digit else character


def _plain(character: str) -> str:
    if character.isspace():
        return "\n" if character in "\r\n\u2028\u2029" else " "
    if _INVISIBLE.match(character):
        return ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    if unicodedata.category(character) == "No":  # a circled number is not a digit of what follows
        return character
    return unicodedata.normalize("NFKC", character).translate(_VARIANTS)
