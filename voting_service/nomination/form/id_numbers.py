"""Chinese resident identity numbers. No I/O.

GB 11643-1999 (citizen identification number): 18 characters. Six are the division where the
number was first issued, eight the date of birth, three a serial number (odd for men, even for
women). The last is a check character by ISO 7064:1983 MOD 11-2: the sum of every character's
value times 2^(17 - place), with X as ten, leaves 1 when divided by 11. It detects every single
wrong character and every swap of neighbours. Residents' permits for people from Hong Kong, Macao
and Taiwan have the same structure.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import NamedTuple

from voting_service.errors import Fault, InvalidInput
from voting_service.nomination.form.model import Sex

FIELD = "id_number"
EARLIEST_BIRTH_YEAR = 1900

PROVINCES = frozenset(
    str(first + last)
    for first, lasts in (
        (10, range(1, 6)),
        (20, range(1, 4)),
        (30, range(1, 8)),
        (40, range(1, 7)),
        (50, range(5)),
        (60, range(1, 6)),
        (70, range(1, 2)),
        (80, range(1, 4)),
    )
    for last in lasts
)
"""First two digits of GB/T 2260; 83 is used on the permits of people from Taiwan. Divisions below
the province change while numbers keep the old code: most older people of Chongqing have 51."""

_LENGTH = 18
_OLD_LENGTH = 15
_CHECK_CHARACTERS = "10X98765432"


class IdNumber(NamedTuple):
    """A valid number in its normal spelling."""

    text: str
    birth: date
    sex: Sex

    @property
    def province(self) -> str:
        return self.text[:2]


def parse_id_number(text: str) -> IdNumber:
    """Parse a number that may have full-width digits, spaces or a lower-case x.

    Raises InvalidInput for a wrong length, wrong characters, an unknown province, an impossible
    date of birth or a wrong check character. The error never quotes the number.
    """
    number = _normalize(text)
    if len(number) == _OLD_LENGTH and number.isdecimal():
        raise InvalidInput(Fault(FIELD, "nomination.form.id_first_generation"))
    if len(number) != _LENGTH:
        raise InvalidInput(
            Fault(FIELD, "nomination.form.id_length", expected=_LENGTH, length=len(number))
        )
    digits, last = number[:-1], number[-1]
    if not (digits.isascii() and digits.isdecimal() and last in _CHECK_CHARACTERS):
        raise InvalidInput(Fault(FIELD, "nomination.form.id_characters"))
    if number[:2] not in PROVINCES:
        raise InvalidInput(Fault(FIELD, "nomination.form.id_province"))
    birth = _parse_birth(number[6:14])
    if birth is None:
        raise InvalidInput(Fault(FIELD, "nomination.form.id_birth"))
    if last != check_character(digits):
        raise InvalidInput(Fault(FIELD, "nomination.form.id_check_character"))
    return IdNumber(number, birth, "male" if int(number[16]) % 2 else "female")


def check_character(digits: str) -> str:
    """Return the 18th character for the first 17."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(digits))
    return _CHECK_CHARACTERS[total % 11]


def _parse_birth(digits: str) -> date | None:
    """Return the date written as eight digits; None when there is no such date since 1900."""
    try:
        birth = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return birth if birth.year >= EARLIEST_BIRTH_YEAR else None


def is_old_id_number(digits: str) -> bool:
    """Whether 15 digits can be a first-generation number, which has no check character."""
    return (
        len(digits) == _OLD_LENGTH
        and digits[:2] in PROVINCES
        and _parse_birth(f"19{digits[6:12]}") is not None
    )


def _normalize(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()
