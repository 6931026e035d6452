"""The languages people read, and numbers and moments as they write them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from functools import cache
from importlib import resources
from typing import Any, get_args

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from voting_service.contests.model import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
LOCALES: Mapping[Language, str] = {"zh": "zh_Hans_CN", "en": "en_GB"}
_DAY: Mapping[Language, str] = {"zh": "y年M月d日", "en": "d MMMM y"}
_MOMENT: Mapping[Language, str] = {"zh": "y年M月d日 HH:mm", "en": "d MMMM y, HH:mm"}


@cache
def read_texts(package: str, file_name: str) -> Mapping[str, Any]:
    """A TOML file of `texts/` in a package."""
    source = resources.files(package).joinpath("texts", file_name)
    return tomllib.loads(source.read_text(encoding="utf-8"))


def language_of(accept_language: bytes) -> Language:
    """Chinese unless English is asked for first."""
    return "en" if accept_language.strip().lower().startswith(b"en") else "zh"


def written_moment(value: datetime, zone: tzinfo, language: Language) -> str:
    """A time in a zone, as people write it."""
    return format_datetime(value.astimezone(zone), _MOMENT[language], locale=LOCALES[language])


def written_day(value: date, language: Language) -> str:
    """A date, as people write it."""
    return format_date(value, _DAY[language], locale=LOCALES[language])


def written_number(value: int, language: Language) -> str:
    """A number with separators."""
    return format_decimal(value, locale=LOCALES[language])
