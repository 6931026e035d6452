"""Numbers and times as people write them in each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo

from babel.dates import format_date, format_datetime, get_timezone_location, get_timezone_name
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


def written_deadline(value: datetime, zone: tzinfo, language: Language) -> str:
    """Return the end of a time as text. Midnight is written as the end of the day before, so that
    nobody takes the day of its date for the last one: "30 June, 24:00"."""
    local = value.astimezone(zone)
    if local.time() != time():
        return written_moment(value, zone, language)
    pattern: str = load_catalogue("formats", language)["end_of_day"]
    return pattern.format(day=written_day(local.date() - timedelta(days=1), language))


def written_zone(value: datetime, zone: tzinfo, language: Language) -> str:
    """Return the name that people give to a time zone at this time; of a zone without a name, how
    far it is from UTC."""
    texts = load_catalogue("formats", language)
    local, key = value.astimezone(zone), getattr(zone, "key", None)
    offset = f"{local:%z}"
    if key is None or key.startswith("Etc/"):
        return f"UTC{offset[:3]}:{offset[3:]}"
    if key in texts["zones"]:
        named: str = texts["zones"][key]
        return named
    minutes = "" if offset.endswith("00") else f":{offset[3:]}"
    name = get_timezone_name(local, locale=LOCALES[language])
    if name.startswith("GMT"):  # its name is not known, but its place is: "India Time"
        name = get_timezone_location(local, locale=LOCALES[language])
    pattern: str = texts["zone"]
    return pattern.format(name=name, offset=f"{offset[0]}{int(offset[1:3])}{minutes}")


def written_list(names: Sequence[str], language: Language) -> str:
    """Return names as a list in a sentence: "A, B and C"."""
    return format_list(names, locale=LOCALES[language])


def written_number(value: int, language: Language) -> str:
    """Return a number with thousands separators."""
    return format_decimal(value, locale=LOCALES[language])
