"""Templates, texts and static files of the pages.

Texts stand in `texts/<language>.toml`; a test keeps their keys equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

import jinja2

from voting_service.contests.model import Contest, Language
from voting_service.web.languages import (
    LANGUAGES,
    read_texts,
    written_day,
    written_moment,
    written_number,
)
from voting_service.web.static_files import static_files
from voting_service.web.templates import template_environment

PACKAGE = __package__


def texts(language: Language) -> Mapping[str, Any]:
    """The texts of a language, by section and key."""
    return read_texts(PACKAGE, f"{language}.toml")


def static_url(name: str) -> str:
    """Where a static file is served."""
    return static_files(PACKAGE)[name].url


def moment(value: datetime, contest: Contest, language: Language) -> str:
    """A time in the contest's zone, as people write it."""
    return written_moment(value, contest.zone, language)


def dated(value: datetime, contest: Contest, language: Language) -> str:
    """The same with the zone's name: "1 June 2022, 09:00 Beijing time (UTC+8)"."""
    return _with_zone("at", moment(value, contest, language), value, contest, language)


def deadline(value: datetime, contest: Contest, language: Language) -> str:
    """The end of a window. One at midnight is the end of the day before: "6月30日24时"."""
    local = value.astimezone(contest.zone)
    if local.time() != time():
        return dated(value, contest, language)
    last_day = written_day(local.date() - timedelta(days=1), language)
    return _with_zone("end_of_day", last_day, value, contest, language)


def _with_zone(
    pattern: str, written: str, value: datetime, contest: Contest, language: Language
) -> str:
    known = texts(language)["moments"]
    offset = f"{value.astimezone(contest.zone):%z}"
    zone = known["zones"].get(contest.rules.time_zone, f"UTC{offset[:3]}:{offset[3:]}")
    line: str = known[pattern]
    return line.format(moment=written, zone=zone)


@cache
def environment() -> jinja2.Environment:
    """The pages' templates."""
    made = template_environment(PACKAGE)
    made.globals.update(
        static_url=static_url,
        moment=moment,
        dated=dated,
        deadline=deadline,
        count=written_number,
        languages=LANGUAGES,
    )
    return made


def render(template: str, *, language: Language, path: str, **values: Any) -> bytes:
    """A whole page. `path` is the page's address without its language, for the switch to the
    other one: "/bayu-2022/rules"."""
    page = environment().get_template(template)
    return page.render(language=language, path=path, t=texts(language), **values).encode()
