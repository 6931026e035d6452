"""The default reasons for changes, which the public rules page shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Text

Command = TypeVar("Command", bound=Callable[..., Any])


def default_reason(name: str) -> Text:
    """Return a reason of the catalogue `commands`."""
    return Text(
        zh=load_catalogue("commands", "zh")["reasons"][name],
        en=load_catalogue("commands", "en")["reasons"][name],
    )


def reason_options(name: str) -> Callable[[Command], Command]:
    """Options --reason-zh and --reason-en, with a reason of the catalogue as default."""
    reason = default_reason(name)

    def decorate(command: Command) -> Command:
        command = click.option("--reason-en", default=reason.en, show_default=True)(command)
        return click.option("--reason-zh", default=reason.zh, show_default=True)(command)

    return decorate
