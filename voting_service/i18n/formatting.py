"""Numbers and times as people write them in each language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from voting_service.i18n.text import Language

LOCALES: Mapping[Language, str] = {"zh": "zh_Hans_CN", "en": "en_GB"}
_DAY: Mapping[Language, str] = {"zh": "y年M月d日", "en": "d MMMM y"}
_MOMENT: Mapping[Language, str] = {"zh": "y年M月d日 HH:mm", "en": "d MMMM y, HH:mm"}


def language_of(accept_language: bytes) -> Language:
    """Return English if the header names it first, otherwise Chinese."""
    return "en" if accept_language.strip().lower().startswith(b"en") else "zh"


def written_moment(value: datetime, zone: tzinfo, language: Language) -> str:
    """Return a time in a zone as text."""
    return format_datetime(value.astimezone(zone), _MOMENT[language], locale=LOCALES[language])


def written_day(value: date, language: Language) -> str:
    """Return a date as text."""
    return format_date(value, _DAY[language], locale=LOCALES[language])


def written_number(value: int, language: Language) -> str:
    """Return a number with thousands separators."""
    return format_decimal(value, locale=LOCALES[language])
