"""The numbers of identity cards and of residence permits. No I/O.

GB 11643-1999 (citizen identification number): 18 characters. Six are the division where the
number was first issued, eight the date of birth, three a serial number (odd for men, even for
women). The last is a check character by ISO 7064:1983 MOD 11-2: the sum of every character's
value times 2^(17 - place), with X as ten, leaves 1 when divided by 11. It detects every single
wrong character and every swap of neighbours. Residents' permits for people from Hong Kong, Macao
and Taiwan have the same structure, with 810000, 820000 and 830000 for the division.

The permanent residence card of a foreigner has since December 2023 a number of the same length: 9,
two digits for the province, three for the country (ISO 3166-1), then birth, serial number and
check character as above (National Immigration Administration, rules of 2023 for reading the card).
Cards before that, valid until they expire, have 15 characters: three letters for the country, four
digits for the place, birth as YYMMDD, one digit, and a check digit as in passports (ICAO 9303:
weights 7, 3 and 1, letters from A as 10, modulo 10). They lack the century of birth, and what
the one digit means is not published, so neither birth nor sex is taken from them.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from itertools import cycle
from typing import NamedTuple

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.text_files import without_marks
from voting_service.nomination.form.model import Month, RecommendationForm, Sex

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
_FOREIGNER = "9"
_OLD_FOREIGNER = re.compile(r"[A-Z]{3}[0-9]{12}")
_ROUNDED = re.compile(r"[0-9](\.[0-9]*)?E\+?[0-9]{1,2}")
"""How Excel shows a long number that it took for a quantity; its last digits are lost."""
_CHECK_CHARACTERS = "10X98765432"


class IdNumber(NamedTuple):
    """A valid number in its normal spelling; birth and sex are None where it does not tell them."""

    text: str
    birth: date | None
    sex: Sex | None

    @property
    def month(self) -> Month | None:
        """The month of birth, which the form has."""
        return Month(self.birth.year, self.birth.month) if self.birth else None


def parse_id_number(text: str) -> IdNumber:
    """Parse a number that may have full-width digits, spaces, dashes, marks or a lower-case x.

    Raises InvalidInput for a wrong length, wrong characters, an unknown province, an impossible
    date of birth or a wrong check character. The error never quotes the number.
    """
    number = _normalize(text)
    if _OLD_FOREIGNER.fullmatch(number):
        return _parse_old_foreigner(number)
    if _ROUNDED.fullmatch(number):
        raise InvalidInput(Fault(FIELD, "nomination.form.id_rounded"))
    if len(number) == _OLD_LENGTH and number.isdecimal():
        raise InvalidInput(Fault(FIELD, "nomination.form.id_first_generation"))
    if len(number) != _LENGTH:
        raise InvalidInput(
            Fault(FIELD, "nomination.form.id_length", expected=_LENGTH, length=len(number))
        )
    digits, last = number[:-1], number[-1]
    if not (digits.isascii() and digits.isdecimal() and last in _CHECK_CHARACTERS):
        raise InvalidInput(Fault(FIELD, "nomination.form.id_characters"))
    province = number[1:3] if number.startswith(_FOREIGNER) else number[:2]
    if province not in PROVINCES:
        raise InvalidInput(Fault(FIELD, "nomination.form.id_province"))
    birth = _parse_birth(number[6:14])
    if birth is None:
        raise InvalidInput(Fault(FIELD, "nomination.form.id_birth"))
    if last != check_character(digits):
        raise InvalidInput(Fault(FIELD, "nomination.form.id_check_character"))
    return IdNumber(number, birth, "male" if int(number[16]) % 2 else "female")


def _parse_old_foreigner(number: str) -> IdNumber:
    if not any(_parse_birth(century + number[7:13]) for century in ("19", "20")):
        raise InvalidInput(Fault(FIELD, "nomination.form.id_birth_of_old_card"))
    values = [int(character, 36) for character in number]
    if sum(v * w for v, w in zip(values[:-1], cycle((7, 3, 1)), strict=False)) % 10 != values[-1]:
        raise InvalidInput(Fault(FIELD, "nomination.form.id_check_character"))
    return IdNumber(number, None, None)


def fill_from_id_number(form: RecommendationForm) -> RecommendationForm:
    """Return the form with sex and month of birth from its ID number where it has none."""
    try:
        identity = parse_id_number(form.id_number)
    except InvalidInput:
        return form
    return msgspec.structs.replace(
        form, sex=form.sex or identity.sex, birth=form.birth or identity.month
    )


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
    plain = unicodedata.normalize("NFKC", without_marks(text)).upper()
    return re.sub(r"[\s\u2010-\u2015-]", "", plain)
