"""The commands that texts and pages tell people to run exist."""

from __future__ import annotations

import re

import click

from tests.i18n.lookups import PACKAGE
from tests.i18n.test_catalogues import DOMAINS, messages
from voting_service.cli import root
from voting_service.i18n.text import LANGUAGES

COMMAND = re.compile(r"voting-service ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")


def texts() -> dict[str, str]:
    """Return every text by its place."""
    return {
        f"{domain} ({language})": "\n".join(messages(domain, language).values())
        for domain in DOMAINS
        for language in LANGUAGES
    } | {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("templates/*.html")
    }


def test_every_command_that_a_text_names_exists() -> None:
    commands = [
        (place, *names) for place, text in texts().items() for names in COMMAND.findall(text)
    ]
    assert len(commands) > 10
    for place, name, below in commands:
        command = root.get_command(click.Context(root), name)
        assert command is not None, (place, name)
        # A group of a class of its own takes the contest before its command.
        if type(command) is click.Group and below:
            assert below in command.commands, (place, name, below)
