"""`replay`: count the ballots of an audit archive again, without database or settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voting_service.commands.output import message
from voting_service.errors import InvalidInput
from voting_service.infrastructure.crypto.signed_document import load_public_key
from voting_service.voting.cut.ranking import ranked
from voting_service.voting.replay.comparison import Replayed
from voting_service.voting.replay.comparison import replay as replay_archive
from voting_service.voting.tally.recount import Count

COUNTS = ("gross", "held", "void", "net")
PIPE_WIDTH = 160
_SIGNS = {True: "[green]✔[/]", False: "[red]✘[/]"}


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The announced public key, PEM. The published versions must be signed by it.",
)
@click.option(
    "--format", "kind", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def replay(file: Path, key_file: Path | None, kind: str) -> None:
    """Count the ballots of an audit archive again and compare the result with what was published.

    Computes gross, held, void and net per candidate and platform from the ballots and rulings
    alone. Every published version must come out byte for byte. Exit code 0: everything agrees.
    """
    key = load_public_key(key_file.read_bytes()) if key_file else None
    replayed = replay_archive(file, key)
    if kind == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(_facts(replayed)), indent=1).decode())
    else:
        _print(replayed)
    if replayed.faults:
        raise InvalidInput(*replayed.faults)


def _figures(count: Count) -> tuple[int, int, int, int]:
    return count.gross, count.held, count.void, count.net


def _facts(replayed: Replayed) -> dict[str, Any]:
    return {
        "contest": replayed.contest.contest.slug,
        "ballots": replayed.ballots,
        "versions_that_agree": replayed.same,
        "faults": [str(fault) for fault in replayed.faults],
        "rows": [
            {"platform": platform, "candidate": number or "ballots"}
            | dict(zip(COUNTS, _figures(count), strict=True))
            for (platform, number), count in sorted(replayed.now.cells.items())
        ],
    }


def _print(replayed: Replayed) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    contest, size = replayed.contest.contest, replayed.contest.contest.rules.cut.size
    counts = replayed.now.candidates(contest.numbers)
    names = {candidate.number: candidate.name for candidate in contest.candidates}
    by_candidate = Table(title=message("replay.by_candidate"), title_justify="left")
    for column in ("rank", "candidate"):
        by_candidate.add_column(column, justify="right")
    by_candidate.add_column("name", overflow="fold")
    for column in COUNTS:
        by_candidate.add_column(column, justify="right")
    standings = ranked({n: count.net for n, count in counts.items() if n not in contest.withdrawn})
    places = [(str(s.rank), s.number) for s in standings]
    places += [("–", number) for number in contest.withdrawn]  # not ranked
    for place, (rank, number) in enumerate(places, start=1):
        name = names.get(number)
        by_candidate.add_row(
            rank,
            str(number),
            escape(f"{name.zh} / {name.en}" if name else message("replay.no_candidate")),
            *map(str, _figures(counts[number])),
            end_section=place == size,
        )
    by_platform = Table("platform", title=message("replay.by_platform"), title_justify="left")
    for column in COUNTS:
        by_platform.add_column(column, justify="right")
    for platform, count in replayed.now.platforms().items():
        by_platform.add_row(escape(platform), *map(str, _figures(count)))
    console.print(by_candidate, by_platform, sep="\n")
    for publication in replayed.contest.publications:
        agrees = publication.version in replayed.same
        compared = message(
            "replay.as_published" if agrees else "replay.differs", version=publication.version
        )
        console.print(f"{_SIGNS[agrees]} {compared}", highlight=False)
    if not replayed.contest.publications:
        console.print(message("replay.nothing_published"))
    if replayed.faults:
        summary = message("replay.differences", count=len(replayed.faults))
    else:
        rulings = len(replayed.contest.rulings)
        summary = message("replay.agrees", ballots=replayed.ballots, rulings=rulings)
    console.print(f"{_SIGNS[not replayed.faults]} {summary}", highlight=False)
