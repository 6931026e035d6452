"""Templates, texts and static files of the pages, and times as pages write them.

Texts are in the catalogue `public`; templates and static files are in `pages/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta, tzinfo
from functools import cache
from typing import Any

import jinja2

from voting_service.contests.model import Contest
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import written_day, written_moment, written_number
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.shared.static_files import static_files
from voting_service.sites.shared.templates import template_environment

PACKAGE = f"{__package__}.pages"


def texts(language: Language) -> Mapping[str, Any]:
    """The texts of a language, by section and key."""
    return load_catalogue("public", language)


def static_url(name: str) -> str:
    """Where a static file is served."""
    return static_files(PACKAGE)[name].url


def moment(value: datetime, zone: tzinfo, language: Language) -> str:
    """A time without its zone: "1 June 2022, 09:00"."""
    return written_moment(value, zone, language)


def day(value: datetime, zone: tzinfo, language: Language) -> str:
    """The date of a time: "1 June 2022"."""
    return written_day(value.astimezone(zone).date(), language)


def dated(value: datetime, zone: tzinfo, language: Language) -> str:
    """A time with the name of its zone: "1 June 2022, 09:00 Beijing time (UTC+8)"."""
    pattern: str = texts(language)["moments"]["at"]
    return pattern.format(
        moment=moment(value, zone, language), zone=zone_name(value, zone, language)
    )


def deadline(value: datetime, zone: tzinfo, language: Language) -> str:
    """The end of a period. Midnight is written as the end of the day before: 30 June, 24:00."""
    local = value.astimezone(zone)
    if local.time() != time():
        return dated(value, zone, language)
    pattern: str = texts(language)["moments"]["end_of_day"]
    last_day = written_day(local.date() - timedelta(days=1), language)
    return pattern.format(moment=last_day, zone=zone_name(value, zone, language))


def daily_time(contest: Contest, language: Language) -> str:
    """When a contest's counts are released each day: "20:00 Beijing time (UTC+8)"."""
    pattern: str = texts(language)["moments"]["at"]
    daily_at = contest.rules.release.daily_at
    return pattern.format(
        moment=f"{daily_at:%H:%M}", zone=zone_name(contest.opens_at, contest.zone, language)
    )


def zone_name(value: datetime, zone: tzinfo, language: Language) -> str:
    """The name of a time zone, or its offset from UTC at that time where it has none here."""
    names: Mapping[str, str] = texts(language)["moments"]["zones"]
    offset = f"{value.astimezone(zone):%z}"
    return names.get(str(zone), f"UTC{offset[:3]}:{offset[3:]}")


@cache
def environment() -> jinja2.Environment:
    """The templates of the pages."""
    templates = template_environment(PACKAGE)
    templates.globals.update(
        static_url=static_url,
        moment=moment,
        day=day,
        dated=dated,
        deadline=deadline,
        daily_time=daily_time,
        zone_name=zone_name,
        count=written_number,
        languages=LANGUAGES,
    )
    return templates


def render(template: str, *, language: Language, path: str, **values: Any) -> bytes:
    """A whole page. `path` is its address without the language ("/bayu-2022/rules"), for the link
    to the page in the other language."""
    page = environment().get_template(template)
    return page.render(language=language, path=path, t=texts(language), **values).encode()
