"""Codes that people type from paper: without letters that look alike, and checked.

A code is written in Crockford's base 32 in groups of four, `7KQ2-M9XF-3T8C`, five bits a character.
The last is a check character (Luhn's algorithm modulo 32), which notices every wrong character and
nearly every pair that changed places. Reading is lenient: case, blanks and hyphens do not matter,
`O` is read as zero, and `I` and `L` as one.
"""

from __future__ import annotations

BITS = 5
"""Of the value in each character but the last."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE = len(_ALPHABET)
_GROUP = 4
_VALUES = {
    **{character: value for value, character in enumerate(_ALPHABET)},
    **{"O": 0, "I": 1, "L": 1},
}
_SEPARATORS = str.maketrans("", "", " -\u3000\u2010\u2011\u2013\u2014\uff0d")


def typed_code(value: int, length: int) -> str:
    """Return the code of `length` characters of a number below 2 ** (BITS * (length - 1))."""
    digits = [value >> BITS * place & _BASE - 1 for place in reversed(range(length - 1))]
    code = "".join(_ALPHABET[digit] for digit in (*digits, _check_digit(digits)))
    return "-".join(code[start : start + _GROUP] for start in range(0, length, _GROUP))


def read_typed_code(text: str, length: int) -> int | None:
    """Return the number of a code as a person typed it; None if it was mistyped."""
    characters = text.upper().translate(_SEPARATORS)
    digits = [_VALUES[character] for character in characters if character in _VALUES]
    if len(characters) != length or len(digits) != length:
        return None
    if digits.pop() != _check_digit(digits):
        return None
    value = 0
    for digit in digits:
        value = value << BITS | digit
    return value


def _check_digit(digits: list[int]) -> int:
    """Luhn's algorithm modulo 32: every second digit from the right counts twice, its own carry
    added."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        added = digit * 2 if place % 2 == 0 else digit
        total += added // _BASE + added % _BASE
    return -total % _BASE
