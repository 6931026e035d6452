"""Every command can be called and describes itself."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from voting_service import cli
from voting_service.cli import COMMANDS, root


def get_words(command: click.Command | None, *words: str) -> Iterator[tuple[str, ...]]:
    """Yield the command and its subcommands, as words on the command line."""
    assert command is not None
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from get_words(command.get_command(context, name), *words, name)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_its_subcommands_have_help(name: str) -> None:
    for words in get_words(root.get_command(click.Context(root), name), name):
        answer = CliRunner().invoke(root, [*words, "--help"])
        assert answer.exit_code == 0, answer.output
        usage, _, description = answer.output.partition("\n\n")
        assert set(words) <= set(usage.split())
        assert description.strip().split("\n")[0] not in {"", "Options:"}


def test_the_list_has_of_each_command_what_its_help_begins_with() -> None:
    context = click.Context(root)
    for name, target in COMMANDS.items():
        command = root.get_command(context, name)
        assert command is not None
        assert cli.short_help(target, 60) == command.get_short_help_str(60)


def test_an_unknown_command_is_wrong_usage() -> None:
    answer = CliRunner().invoke(root, ["no-such-command"])
    assert answer.exit_code == 2
    assert "no-such-command" in answer.output


def test_where_the_embedded_servers_are_missing_there_is_no_demo_and_still_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli, "NEEDS", {"demo": "no_such_package"})
    listed = CliRunner().invoke(root, ["--help"])
    assert listed.exit_code == 0
    assert "  serve " in listed.output
    assert "  demo " not in listed.output
    assert CliRunner().invoke(root, ["demo"]).exit_code == 2
