"""What the commands print: texts of the catalogue `commands`."""

from __future__ import annotations

from typing import Any

import click

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text


def text(path: str, /, **params: Any) -> Text:
    """Return the text at `section.name` in every language."""
    return load_text("commands", path, **params)


def message(path: str, /, **params: Any) -> str:
    """Return the text at `section.name` in English, which is also what scripts read."""
    return text(path, **params).en


def say(path: str, /, *, err: bool = False, **params: Any) -> None:
    """Print the text at `section.name` on stdout, or on stderr."""
    click.echo(message(path, **params), err=err)
