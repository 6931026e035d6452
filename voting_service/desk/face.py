"""The look of the internal face: its templates, texts, files and the ways through it.

It is made of packages, each with `templates/<area>/*.html`, `texts/<area>.<language>.toml` (in
templates `t.<area>.<key>`) and `static/`; what they share comes from this package, as the area
`desk`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

import jinja2

from voting_service.accounts.model import Role
from voting_service.contests.model import Language
from voting_service.web.languages import LANGUAGES, read_texts
from voting_service.web.static_files import StaticFile, static_files
from voting_service.web.templates import template_environment

DESK = __package__


class Way(NamedTuple):
    """An entry of the navigation: `text` is a key of the texts, `<area>.<section>.<key>`. A path
    below `/contests/{slug}` or `/selections/{slug}` belongs to one. No roles: for everybody."""

    path: str
    text: str
    roles: tuple[Role, ...] = ()


class Face:
    """Everything that pages of a face are made from."""

    def __init__(
        self, packages: Sequence[str], ways: Sequence[Way], paths: Collection[str]
    ) -> None:
        """Of `ways` those are shown that lead to one of `paths`, the routes that exist."""
        self.ways = tuple(way for way in ways if way.path in paths)
        self.static: Mapping[str, StaticFile] = static_files(DESK, *packages)
        self.environment: jinja2.Environment = template_environment(*packages, desk=DESK)
        self._texts = {language: _texts(language, DESK, *packages) for language in LANGUAGES}

    def texts(self, language: Language) -> Mapping[str, Any]:
        """The texts of a language, by area and key."""
        return self._texts[language]

    def static_url(self, name: str) -> str:
        """Where a static file is served. Raises KeyError."""
        return self.static[name].url


def _texts(language: Language, *packages: str) -> dict[str, Any]:
    ending = f".{language}.toml"
    found: dict[str, Any] = {}
    for package in packages:
        for entry in resources.files(package).joinpath("texts").iterdir():
            if entry.name.endswith(ending):
                found[entry.name.removesuffix(ending)] = read_texts(package, entry.name)
    return found
