"""Templates, texts and static files of the pages.

Texts stand in `texts/<language>.toml`; a test keeps their keys equal. Static files are served
under a name that contains their hash, for ever.
"""

from __future__ import annotations

import mimetypes
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import blake2b
from importlib import resources
from typing import Any, get_args

import jinja2
from babel.dates import format_datetime
from babel.numbers import format_decimal

from voting_service.contests.model import Contest, Language
from voting_service.public.pages.prepared import PreparedPage

LANGUAGES: tuple[Language, ...] = get_args(Language)
STATIC = "/static/"
LOCALES: Mapping[Language, str] = {"zh": "zh_Hans_CN", "en": "en_GB"}


@cache
def texts(language: Language) -> Mapping[str, Any]:
    """The texts of a language, by section and key."""
    source = resources.files(__package__).joinpath("texts", f"{language}.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


class StaticFile:
    """A file under its hashed name."""

    def __init__(self, name: str, body: bytes) -> None:
        stem, _, suffix = name.rpartition(".")
        digest = blake2b(body, digest_size=8).hexdigest()
        self.url = f"{STATIC}{stem}.{digest}.{suffix}"
        self.media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.prepared = PreparedPage.of(body)


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Every static file, by its name in `static/`.

    Modules import each other as `./name.js`; those names are replaced by the hashed ones, which
    is why a module may only import modules that sort before it.
    """
    files: dict[str, StaticFile] = {}
    folder = resources.files(__package__).joinpath("static")
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        body = entry.read_bytes()
        if entry.name.endswith((".js", ".css")):
            for name, known in files.items():
                body = body.replace(f'"./{name}"'.encode(), f'"{known.url}"'.encode())
        files[entry.name] = StaticFile(entry.name, body)
    return files


def static_url(name: str) -> str:
    """Where a static file is served."""
    return static_files()[name].url


def moment(value: datetime, contest: Contest, language: Language) -> str:
    """A time in the contest's zone, as people write it."""
    local = value.astimezone(contest.zone)
    pattern = "y年M月d日 HH:mm" if language == "zh" else "d MMMM y, HH:mm"
    return format_datetime(local, pattern, locale=LOCALES[language])


def count(value: int, language: Language) -> str:
    """A number with separators."""
    return format_decimal(value, locale=LOCALES[language])


@cache
def environment() -> jinja2.Environment:
    """Templates; everything is escaped, and an unknown name is an error."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static_url=static_url, moment=moment, count=count, languages=LANGUAGES)
    return made


def render(template: str, *, language: Language, path: str, **values: Any) -> bytes:
    """A whole page. `path` is the page's address without its language, for the switch to the
    other one: "/bayu-2022/rules"."""
    page = environment().get_template(template)
    return page.render(language=language, path=path, t=texts(language), **values).encode()
