"""Chinese resident identity numbers. No I/O.

GB 11643-1999, 公民身份号码: 18 characters, of which six are the division where the number was
first given, eight the day of birth, three a serial number (odd for men, even for women) and the
last a check character by ISO 7064:1983 MOD 11-2: the sum of every character's value times
2^(17 - place) leaves 1 when divided by 11, X standing for ten. It shows every single wrong
character and every exchange of neighbours. Residents' permits for people from Hong Kong, Macao
and Taiwan are built alike.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import NamedTuple

from voting_service.errors import Fault, InvalidInput
from voting_service.office.form import Sex

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
"""First two digits of GB/T 2260; 83 stands on the permits of people from Taiwan. Divisions below
the province come and go, and numbers keep the old ones: most of Chongqing's elders have 51."""

_LENGTH = 18
_OLD_LENGTH = 15
_CHECK_CHARACTERS = "10X98765432"


class IdNumber(NamedTuple):
    """A number that obeys the standard, in its one spelling."""

    text: str
    birth: date
    sex: Sex

    @property
    def province(self) -> str:
        return self.text[:2]


def parse_id_number(text: str) -> IdNumber:
    """Reads a number that may be written with full-width digits, spaces or a small x.

    Raises InvalidInput: too long or short, characters that no number has, an unknown province, a
    day of birth that is none, or a check character that does not fit. It never quotes the number.
    """
    number = _one_spelling(text)
    if len(number) == _OLD_LENGTH and number.isdecimal():
        raise _fault(
            "is a number of the first generation: write the 18 characters of the present card",
            "这是15位的旧号码，请填写现行身份证上的18位号码。",
        )
    if len(number) != _LENGTH:
        raise _fault(
            f"has {len(number)} characters: an ID number has {_LENGTH}",
            f"身份证号码应为{_LENGTH}位，现为{len(number)}位，请核对。",
        )
    digits, last = number[:-1], number[-1]
    if not (digits.isascii() and digits.isdecimal() and last in _CHECK_CHARACTERS):
        raise _fault(
            "must be 17 digits, then a digit or X: compare it with the card",
            "身份证号码应为17位数字加1位数字或字母X，请对照证件核对。",
        )
    if number[:2] not in PROVINCES:
        raise _fault(
            "does not begin with a province's code: compare the first two digits with the card",
            "身份证号码前两位不是有效的省级代码，请对照证件核对。",
        )
    birth = birth_in(number[6:14])
    if birth is None:
        raise _fault(
            "holds no possible day of birth in places 7 to 14: compare them with the card",
            "身份证号码第7至14位不是有效的出生日期，请对照证件核对。",
        )
    if last != check_character(digits):
        raise _fault(
            "does not fit its check character: one or more characters are wrong or exchanged",
            "身份证号码校验不通过：有数字填错或前后颠倒，请对照证件核对。",
        )
    return IdNumber(number, birth, "male" if int(number[16]) % 2 else "female")


def check_character(digits: str) -> str:
    """The last character that belongs to the first 17."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(digits))
    return _CHECK_CHARACTERS[total % 11]


def birth_in(digits: str) -> date | None:
    """The day written as eight digits; None when there is no such day since 1900."""
    try:
        birth = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return birth if birth.year >= EARLIEST_BIRTH_YEAR else None


def is_old_id_number(digits: str) -> bool:
    """Whether 15 digits can be a number of the first generation, which has no check character."""
    return (
        len(digits) == _OLD_LENGTH
        and digits[:2] in PROVINCES
        and birth_in(f"19{digits[6:12]}") is not None
    )


def _one_spelling(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def _fault(message: str, zh: str) -> InvalidInput:
    return InvalidInput(Fault(FIELD, message, zh))
