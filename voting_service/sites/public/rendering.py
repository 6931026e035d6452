"""Templates, texts and static files of the pages, and times as pages write them.

Texts are in the catalogue `public`; templates and static files are in `pages/`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache
from typing import Any, NamedTuple

import jinja2

from voting_service.contests.model import Contest
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import (
    written_day,
    written_deadline,
    written_moment,
    written_number,
    written_zone,
)
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.settings import Settings
from voting_service.sites.shared.look import LOOK
from voting_service.sites.shared.static_files import static_files
from voting_service.sites.shared.templates import template_environment

PACKAGE = f"{__package__}.pages"
STATIC = static_files(LOOK, PACKAGE)


def texts(language: Language) -> Mapping[str, Any]:
    """The texts of a language, by section and key."""
    return load_catalogue("public", language)


def static_url(name: str) -> str:
    """Where a static file is served."""
    return STATIC[name].url


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
        moment=moment(value, zone, language), zone=written_zone(value, zone, language)
    )


def deadline(value: datetime, zone: tzinfo, language: Language) -> str:
    """The end of a period with the name of its zone: "the end of 30 June 2022, Beijing time"."""
    until = written_deadline(value, zone, language)
    if until == moment(value, zone, language):
        return dated(value, zone, language)
    pattern: str = texts(language)["moments"]["deadline"]
    return pattern.format(moment=until, zone=written_zone(value, zone, language))


def daily_time(contest: Contest, language: Language) -> str:
    """When a contest's counts are released each day: "20:00 Beijing time (UTC+8)"."""
    pattern: str = texts(language)["moments"]["at"]
    daily_at = contest.rules.release.daily_at
    return pattern.format(
        moment=f"{daily_at:%H:%M}", zone=written_zone(contest.opens_at, contest.zone, language)
    )


class Filing(NamedTuple):
    """A number under which the website is filed with an authority, and where to check it."""

    number: str
    url: str


def show_filings(settings: Settings) -> None:
    """Show the filing numbers of this website in the footer of its pages."""
    filings = []
    if settings.icp_number:
        filings.append(Filing(settings.icp_number, "https://beian.miit.gov.cn/"))
    if settings.public_security_number:
        code = "".join(filter(str.isdigit, settings.public_security_number))
        url = f"https://beian.mps.gov.cn/#/query/webSearch?code={code}"
        filings.append(Filing(settings.public_security_number, url))
    environment().globals["filings"] = tuple(filings)


def show_wechat_card(settings: Settings) -> None:
    """Let pages make a card of themselves in WeChat where an app id is set."""
    environment().globals["has_wechat_card"] = settings.wechat_share_app_id is not None


def show_log(settings: Settings) -> None:
    """Link the public logs if there are any."""
    environment().globals["has_log"] = settings.log_folder is not None


def signed(value: int, language: Language) -> str:
    """A difference with its sign: "+1,204", "−3", "±0"."""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return sign + written_number(abs(value), language)


def fitting_size(text: str, width: int, largest: int) -> int:
    """Return the largest font size at which a line fits. Ideographs are as wide as high, other
    characters a little over half as wide."""
    ems = sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.58 for c in text)
    return min(largest, int(width / max(ems, 1.0)))


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
        zone_name=written_zone,
        count=written_number,
        signed=signed,
        fitting_size=fitting_size,
        languages=LANGUAGES,
        filings=(),
        has_wechat_card=False,
        has_log=False,
        query="",
    )
    return templates


def render(template: str, *, language: Language, path: str, **values: Any) -> bytes:
    """A whole page. `path` is its address without the language ("/bayu-2022/rules"), for the link
    to the page in the other language, which keeps the `query` that a page is rendered with."""
    page = environment().get_template(template)
    values |= {"t": texts(language), "look": load_catalogue("look", language)}
    return page.render(language=language, path=path, **values).encode()
