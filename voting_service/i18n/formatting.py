"""Numbers and times as people write them in each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo

from babel.dates import format_date, format_datetime
from babel.lists import format_list
from babel.numbers import format_decimal

from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language

LOCALES: Mapping[Language, str] = {"zh": "zh_Hans_CN", "en": "en_GB"}


def preferred_language(accept_language: bytes) -> Language:
    """Return English if the header names it first, otherwise Chinese."""
    return "en" if accept_language.strip().lower().startswith(b"en") else "zh"


def written_moment(
    value: datetime, zone: tzinfo, language: Language, *, seconds: bool = False
) -> str:
    """Return a time in a zone as text, to the minute or the second."""
    pattern = load_catalogue("formats", language)["moment_with_seconds" if seconds else "moment"]
    return format_datetime(value.astimezone(zone), pattern, locale=LOCALES[language])


def written_day(value: date, language: Language) -> str:
    """Return a date as text."""
    pattern = load_catalogue("formats", language)["day"]
    return format_date(value, pattern, locale=LOCALES[language])


def written_list(names: Sequence[str], language: Language) -> str:
    """Return names as a list in a sentence: "A, B and C"."""
    return format_list(names, locale=LOCALES[language])


def written_number(value: int, language: Language) -> str:
    """Return a number with thousands separators."""
    return format_decimal(value, locale=LOCALES[language])
