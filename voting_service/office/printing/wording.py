"""Texts of the printed documents, and moments, days and scores as they are printed. No I/O."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from voting_service.contests.model import Language

BEIJING = ZoneInfo("Asia/Shanghai")

Words = Mapping[str, Any]

_LOCALES: Mapping[Language, str] = {"zh": "zh_Hans_CN", "en": "en_GB"}
_MOMENTS: Mapping[Language, str] = {"zh": "y年M月d日 HH:mm", "en": "d MMMM y, HH:mm"}
_DAYS: Mapping[Language, str] = {"zh": "y年M月d日", "en": "d MMMM y"}
_SHORT_DAYS: Mapping[Language, str] = {"zh": "M-d", "en": "d MMM"}
_NUMERALS = "〇一二三四五六七八九"


@cache
def words(language: Language, document: str) -> Words:
    """What a kind of document says in this language."""
    source = resources.files(__package__).joinpath("texts", f"{language}.toml")
    said: Words = tomllib.loads(source.read_text(encoding="utf-8"))[document]
    return said


def moment(value: datetime, language: Language) -> str:
    """In Beijing time, to the minute."""
    return format_datetime(value.astimezone(BEIJING), _MOMENTS[language], locale=_LOCALES[language])


def day(value: date, language: Language) -> str:
    return format_date(value, _DAYS[language], locale=_LOCALES[language])


def short_day(value: date, language: Language) -> str:
    """Without the year, for a chart."""
    return format_date(value, _SHORT_DAYS[language], locale=_LOCALES[language])


def ceremonial_day(value: date) -> str:
    """As certificates write it: 二〇二二年十一月八日."""
    year = "".join(_NUMERALS[int(digit)] for digit in str(value.year))
    return f"{year}年{_up_to_99(value.month)}月{_up_to_99(value.day)}日"


def _up_to_99(number: int) -> str:
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{_NUMERALS[tens]}十"
    return head + (_NUMERALS[ones] if ones else "")


def paragraphs(text: str) -> list[str]:
    """The lines that hold something; the template indents each."""
    return [line.strip() for line in text.splitlines() if line.strip()]
