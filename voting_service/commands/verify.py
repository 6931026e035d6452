"""`verify`: check a public log from its files, without database, settings or secrets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console
from rich.markup import escape

from voting_service.commands.output import message, text
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.infrastructure.crypto.signed_document import load_public_key
from voting_service.infrastructure.transparency_log.sources import (
    FolderSource,
    HttpSource,
    LogSource,
)
from voting_service.voting.public_log.verification.report import LineKind, Report
from voting_service.voting.public_log.verification.verifier import (
    Progress,
    ReaderEvidence,
    verify_log,
)

_SIGNS: dict[LineKind, str] = {"shown": "[green]✔[/]", "note": "[yellow]![/]", "fault": "[red]✘[/]"}
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
PIPE_WIDTH = 10_000
"""A sentence is a line, for programs."""
SHOWN_FAULTS = 40
"""A page; the rest is counted."""


def _source(_context: click.Context, _parameter: click.Parameter, value: str) -> LogSource:
    if value.startswith(("https://", "http://")):
        return HttpSource(value)
    if not Path(value).is_dir():
        raise click.BadParameter(message("verify.no_source"))
    return FolderSource(Path(value))


def _data(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> bytes | None:
    return value.read_bytes() if value else None


def _public_key(
    _context: click.Context, _parameter: click.Parameter, value: Path | None
) -> Ed25519PublicKey | None:
    return load_public_key(value.read_bytes()) if value else None


@click.command()
@click.argument("source", metavar="FOLDER|URL", callback=_source)
@click.option(
    "--checkpoint",
    "older",
    type=_FILE,
    callback=_data,
    help="An older checkpoint: the log must continue it.",
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="KEY",
    help="The key of a witness that must have signed, NAME+ID+KEY. Can be repeated.",
)
@click.option(
    "--receipt",
    type=_FILE,
    callback=_data,
    help="A durable receipt: its ballot must be in the log.",
)
@click.option(
    "--key",
    "result_key",
    type=_FILE,
    callback=_public_key,
    help="The announced public key, PEM. The result must be signed with it.",
)
@click.option("--allow-unwitnessed", is_flag=True, help="Accept a log that no witness has signed.")
@click.option("--language", type=click.Choice(LANGUAGES), default="zh", show_default=True)
def verify(source: LogSource, language: Language, **evidence: Any) -> None:
    """Check a public log: every file, every rule, every sum, and the result that follows.

    Needs the log's public files and nothing else: no database, no settings, no secrets. Prints a
    page of sentences. Exit code 0: everything agrees.
    """
    report = verify_log(source, ReaderEvidence(**evidence), _progress(language))
    _print(report, language)
    if report.faults:
        sys.exit(1)


def _progress(language: Language) -> Progress:
    """Return what draws a line on a terminal's stderr, and nothing elsewhere."""
    console = Console(stderr=True)
    label = getattr(text("verify.bundles"), language)

    def draw(done: int, all_bundles: int) -> None:
        if console.is_terminal:
            end = "\n" if done == all_bundles else "\r"
            console.print(f"{label} {done:,} / {all_bundles:,}", end=end, highlight=False)

    return draw


def _print(report: Report, language: Language) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    shown = 0
    for line in report.lines:
        shown += line.kind == "fault"
        if line.kind != "fault" or shown <= SHOWN_FAULTS:
            sentence = escape(getattr(line.text, language))
            console.print(f"{_SIGNS[line.kind]} {sentence}", highlight=False)
    count = len(report.faults)
    verdict = text("verify.faults", count=f"{count:,}") if count else text("verify.agrees")
    console.print(f"{_SIGNS['fault' if count else 'shown']} {getattr(verdict, language)}")
