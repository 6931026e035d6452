"""A text with its many spellings reduced to one, that knows where everything stood. No I/O."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

import regex

_UNSEEN = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cc}]")
_ONE_SPELLING = str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹘─", "-") | dict.fromkeys("・•‧∙⋅●", "·") | dict.fromkeys("〇○◯", "〇")
)
_NUMERALS = str.maketrans(
    "零〇一壹幺二贰貳两三叁參四肆五伍六陆陸七柒八捌九玖", "0011122223334455666778899"
)


class PlainText(NamedTuple):
    """`places[i]` is where the i-th character of `text` stands in the original."""

    text: str
    places: tuple[int, ...]

    @classmethod
    def of(cls, original: str) -> PlainText:
        """Compatibility forms (full width, presentation forms) as their plain characters, digits
        of every script as 0 to 9, dashes and dots alike, what cannot be seen left out."""
        pieces: list[str] = []
        places: list[int] = []
        for place, character in enumerate(original):
            plain = _plain(character)
            pieces.append(plain)
            places.extend([place] * len(plain))
        return cls("".join(pieces), tuple(places))

    def with_numerals_as_digits(self) -> PlainText:
        """Chinese numerals of one digit read as that digit: 一三八 as 138."""
        return PlainText(self.text.translate(_NUMERALS), self.places)

    def bare(self) -> PlainText:
        """Letters and digits only, case folded."""
        kept = [
            (folded, place)
            for character, place in zip(self.text, self.places, strict=True)
            if character.isalnum()
            for folded in character.casefold()
        ]
        return PlainText(
            "".join(character for character, _ in kept), tuple(place for _, place in kept)
        )


def _plain(character: str) -> str:
    if character.isspace():
        return "\n" if character in "\r\n\u2028\u2029" else " "
    if _UNSEEN.match(character):
        return ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    if unicodedata.category(character) == "No":  # ① before a number is not its first digit
        return character
    return unicodedata.normalize("NFKC", character).translate(_ONE_SPELLING)
