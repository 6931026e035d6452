"""Load the texts that people read: a gettext catalogue for each language and domain.

`locale/<language>/LC_MESSAGES/<domain>.po`: `msgctxt` is the dotted path of a section, `msgid` the
name of a text in it, `msgstr` the text, whose placeholders are those of `str.format`. A test keeps
the names and the placeholders of all languages equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

from voting_service.i18n.text import LANGUAGES, Language, Text


def locale_folder() -> Path:
    """Return the folder of the catalogues: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "_locale"
    return packaged if packaged.is_dir() else package.parent / "locale"


@cache
def load_catalogue(domain: str, language: Language) -> Mapping[str, Any]:
    """Return the texts of a domain by section and name; numbered texts form a tuple.

    Raises FileNotFoundError.
    """
    path = locale_folder() / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    texts: dict[str, Any] = {}
    for message in catalogue:
        if not message.id:
            continue
        section = texts
        for name in filter(None, (message.context or "").split(".")):
            section = section.setdefault(name, {})
        section[str(message.id)] = message.string
    return {name: _with_lists(section) for name, section in texts.items()}


def find_text(domain: str, path: str, language: Language) -> str | None:
    """Return the text at `section.name` of a domain; None if it is missing or empty."""
    try:
        section: Any = load_catalogue(domain, language)
    except FileNotFoundError:
        return None
    for name in path.split("."):
        if not isinstance(section, Mapping) or name not in section:
            return None
        section = section[name]
    return section if isinstance(section, str) and section else None


def load_text(domain: str, path: str, /, **params: Any) -> Text:
    """Return the text at `section.name` of a domain in every language, placeholders filled in.

    A parameter that is itself a Text is filled in in the same language. Raises KeyError.
    """
    texts = {}
    for language in LANGUAGES:
        text = find_text(domain, path, language)
        if text is None:
            raise KeyError(f"{domain}: {path} ({language})")
        values = {
            name: getattr(value, language) if isinstance(value, Text) else value
            for name, value in params.items()
        }
        texts[language] = text.format(**values)
    return Text(**texts)


def _with_lists(section: Any) -> Any:
    if not isinstance(section, dict):
        return section
    if all(name.isdecimal() for name in section):
        return tuple(section[name] for name in sorted(section, key=int))
    return {name: _with_lists(value) for name, value in section.items()}
