"""The commands that texts and pages tell people to run exist."""

from __future__ import annotations

import re

import click
import pytest

from tests.i18n.lookups import PACKAGE
from tests.i18n.test_catalogues import DOMAINS, messages
from voting_service.cli import root
from voting_service.i18n.text import LANGUAGES

COMMAND = re.compile(r"voting-service ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")
TEXTS = {
    f"{domain} ({language})": "\n".join(messages(domain, language).values())
    for domain in DOMAINS
    for language in LANGUAGES
} | {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
    for path in PACKAGE.rglob("templates/*.html")
}


@pytest.mark.parametrize("place", [place for place, text in TEXTS.items() if COMMAND.search(text)])
def test_every_command_that_a_text_names_exists(place: str) -> None:
    for name, below in COMMAND.findall(TEXTS[place]):
        command = root.get_command(click.Context(root), name)
        assert command is not None, name
        # A group of a class of its own takes the contest before its command.
        if type(command) is click.Group and below:
            assert below in command.commands, f"{name} {below}"
