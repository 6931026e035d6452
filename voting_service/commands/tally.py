"""`tally`: the counts from the ballots alone, for staff."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voting_service.clock import system_clock
from voting_service.commands.running import database, run
from voting_service.contests.model import Contest, Language
from voting_service.contests.store import load_contest
from voting_service.settings import Settings, load_settings
from voting_service.tally.exports import TallyTable, tally_table, to_csv, to_json, to_xlsx
from voting_service.tally.recount import Key, Recount, recount
from voting_service.tally.report.tally_report import tally_report

PIPE_WIDTH = 160
"""Columns of a table that goes into a pipe or file, where there is no terminal to ask."""

WRITERS = {"json": to_json, "xlsx": to_xlsx}


@click.command()
@click.argument("contest")
@click.option(
    "--by",
    "keys",
    multiple=True,
    type=click.Choice(get_args(Key)),
    help="What to group by; may be given several times. [default: candidate]",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["table", "json", "csv", "xlsx", "pdf"]),
    default="table",
    show_default=True,
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
@click.option("--bom", is_flag=True, help="Begin CSV with the mark by which Excel knows UTF-8.")
@click.option(
    "--language", type=click.Choice(get_args(Language)), help="Of a PDF report. [default: zh]"
)
def tally(
    *,
    contest: str,
    keys: tuple[Key, ...],
    kind: str,
    output: Path | None,
    bom: bool,
    language: Language | None,
) -> None:
    """Count the ballots of CONTEST afresh: gross, held, void and net.

    With `candidate` among the keys votes are counted, else ballots. Days and hours are those
    of the contest's time zone. A PDF is the whole report, with charts.
    """
    if kind in ("xlsx", "pdf") and output is None and sys.stdout.isatty():
        raise click.UsageError(f"{kind.upper()} does not belong on a terminal: give --output FILE")
    if kind == "pdf" and keys:
        raise click.UsageError("--by is not for --format pdf: the report has all of them")
    if language and kind != "pdf":
        raise click.UsageError("--language is for --format pdf")
    if bom and kind != "csv":
        raise click.UsageError("--bom is for --format csv")
    by = tuple(dict.fromkeys(keys)) or ("candidate",)
    loaded, recounted = run(_recount(load_settings(), contest))
    table = tally_table(loaded, recounted, by, system_clock())
    if kind == "table":
        with click.open_file(str(output) if output else "-", "w", encoding="utf-8") as stream:
            _print(table, Console(file=stream, width=_width(output)))
    elif kind == "pdf":
        _write(output, tally_report(loaded, recounted, language or "zh"))
    elif kind == "csv":
        _write(output, to_csv(table, mark=bom))
    else:
        _write(output, WRITERS[kind](table))
    click.echo(
        f"recounted {table.ballots.gross} ballots in {recounted.seconds:.1f} seconds", err=True
    )


async def _recount(settings: Settings, slug: str) -> tuple[Contest, Recount]:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        return contest, await recount(connection, contest)


def _write(output: Path | None, content: bytes) -> None:
    with click.open_file(str(output) if output else "-", "wb") as stream:
        stream.write(content)


def _width(output: Path | None) -> int | None:
    return None if output is None and sys.stdout.isatty() else PIPE_WIDTH


def _print(table: TallyTable, console: Console) -> None:
    contest, ballots = table.contest, table.ballots
    local = table.as_of.astimezone(contest.zone)
    console.print(
        escape(f"{contest.rules.title.zh} / {contest.rules.title.en} ({contest.slug})"),
        f"{table.phase}, as of {local:%Y-%m-%d %H:%M:%S %Z}",
        f"ballots: gross {ballots.gross}, held {ballots.held}, void {ballots.void}, "
        f"net {ballots.net}",
        sep="\n",
        highlight=False,
    )
    grid = Table(title=f"{table.unit} by {', '.join(table.by)}", title_justify="left")
    for name in table.columns:
        is_text = name.startswith("name_") or name in ("platform", "day", "hour", "in_cut")
        grid.add_column(name, justify="left" if is_text else "right", overflow="fold")
    last_inside = _last_inside(table)
    for place, row in enumerate(table.rows, start=1):
        grid.add_row(*(escape(str(cell)) for cell in row), end_section=place == last_inside)
    console.print(grid)
    if last_inside is not None:
        console.print(f"The line is below place {last_inside}.", highlight=False)


def _last_inside(table: TallyTable) -> int | None:
    """After which row the line of the cut is drawn; None when there is none to draw."""
    size = table.contest.rules.cut.size
    return size if "in_cut" in table.columns and size < len(table.rows) else None
