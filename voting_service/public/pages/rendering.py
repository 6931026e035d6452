"""Templates, texts and static files of the pages.

Texts stand in `texts/<language>.toml`; a test keeps their keys equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import jinja2

from voting_service.contests.model import Contest, Language
from voting_service.web.languages import LANGUAGES, read_texts, written_moment, written_number
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


@cache
def environment() -> jinja2.Environment:
    """The pages' templates."""
    made = template_environment(PACKAGE)
    made.globals.update(
        static_url=static_url, moment=moment, count=written_number, languages=LANGUAGES
    )
    return made


def render(template: str, *, language: Language, path: str, **values: Any) -> bytes:
    """A whole page. `path` is the page's address without its language, for the switch to the
    other one: "/bayu-2022/rules"."""
    page = environment().get_template(template)
    return page.render(language=language, path=path, t=texts(language), **values).encode()
