"""`tally`: count the ballots of a contest, or rebuild its stored tally from them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voting_service.commands.authentication import as_option, authenticate_staff
from voting_service.commands.output import message, say
from voting_service.commands.runtime import database, run
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_contest
from voting_service.errors import Refused
from voting_service.i18n.text import Language
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import connect
from voting_service.infrastructure.typesetting.glyph_coverage import use_fonts
from voting_service.settings import Settings, load_settings
from voting_service.staff.accounts.model import require_role
from voting_service.staff.approvals.model import DECIDERS
from voting_service.voting.tally.exports import (
    TallyTable,
    tally_table,
    to_csv,
    to_json,
    to_xlsx,
)
from voting_service.voting.tally.rebuild import rebuild, require_owner
from voting_service.voting.tally.recount import (
    Key,
    Recount,
    recount,
)
from voting_service.voting.tally.recount_audit import audit
from voting_service.voting.tally.report.tally_report import tally_report

PIPE_WIDTH = 160
"""Width of a table that is not printed on a terminal."""


COUNT = "count"


class TallyGroup(click.Group):
    """A group where `tally CONTEST …` means `tally count CONTEST …`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [COUNT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=TallyGroup)
def tally() -> None:
    """Count the ballots of a contest, or rebuild its stored tally.

    `voting-service tally CONTEST` counts the ballots; for its options, run `voting-service tally
    count --help`.
    """


@tally.command(COUNT)
@click.argument("contest")
@click.option(
    "--by",
    "keys",
    multiple=True,
    type=click.Choice(get_args(Key)),
    help="Group by this. Repeatable. [default: candidate]",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["table", "json", "csv", "xlsx", "pdf"]),
    default="table",
    show_default=True,
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
@click.option(
    "--bom",
    is_flag=True,
    help="Start CSV with a byte order mark, for Excel.",
)
@click.option(
    "--language",
    type=click.Choice(get_args(Language)),
    help="Language of the PDF report or the workbook. [default: zh]",
)
def count(
    *,
    contest: str,
    keys: tuple[Key, ...],
    kind: str,
    output: Path | None,
    bom: bool,
    language: Language | None,
) -> None:
    """Count the ballots of CONTEST: gross, held, void and net.

    Counts votes when grouped by candidate, otherwise ballots. Days and hours are in the contest's
    time zone. The PDF is the whole report, with charts.
    """
    if kind in ("xlsx", "pdf") and output is None and sys.stdout.isatty():
        raise click.UsageError(message("tally.needs_output", format=kind.upper()))
    if kind == "pdf" and keys:
        raise click.UsageError(message("tally.by_with_pdf"))
    if language and kind not in ("pdf", "xlsx"):
        raise click.UsageError(message("tally.language_without_pdf"))
    if bom and kind != "csv":
        raise click.UsageError(message("tally.bom_without_csv"))
    by = tuple(dict.fromkeys(keys)) or ("candidate",)
    settings = load_settings()
    loaded, recounted = run(_recount(settings, contest))
    table = tally_table(loaded, recounted, by, system_clock())
    if kind == "table":
        with click.open_file(str(output) if output else "-", "w", encoding="utf-8") as stream:
            _print(table, Console(file=stream, width=_width(output)))
    elif kind == "pdf":
        use_fonts(settings.fonts)
        _write(output, tally_report(loaded, recounted, language or "zh"))
    elif kind == "csv":
        _write(output, to_csv(table, mark=bom))
    else:
        _write(output, to_xlsx(table, language or "zh") if kind == "xlsx" else to_json(table))
    say("tally.counted", err=True, ballots=table.ballots.gross, seconds=recounted.seconds)


@tally.command("rebuild")
@click.argument("contests", metavar="CONTEST…", nargs=-1, required=True)
@as_option
def rebuild_tally(contests: tuple[str, ...], name: str) -> None:
    """Rebuild the stored tally of CONTEST from its ballots and compare it with a recount.

    Do this when an audit finds a difference. After a restore or pg_upgrade, `work` does it by
    itself. Voting can continue while it runs. You must be an administrator, supervisor or tally
    clerk, and need VOTING_OWNER_DATABASE_URL, as for `migrate`.
    """
    run(_rebuild(load_settings(), contests, name))


async def _rebuild(settings: Settings, slugs: tuple[str, ...], name: str) -> None:
    owner = await connect(settings.migration_url)
    try:
        await require_owner(owner)
        account = await authenticate_staff(owner, settings, name)
        require_role(account, "administrator", *DECIDERS)
        for contest in [await load_contest(owner, slug) for slug in slugs]:
            done = await rebuild(owner, contest, account.name, of_this_cluster=True)
            checked = await audit(owner, contest)
            say("tally.rebuilt", slug=contest.slug, done=done)
            if checked.difference:
                raise Refused("commands.tally.differs_from_recount", difference=checked.difference)
            say("tally.agrees", ballots=checked.ballots)
    finally:
        await owner.close()


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
        message("tally.as_of", phase=table.phase, at=local),
        message("tally.ballots", count=ballots),
        sep="\n",
        highlight=False,
    )
    grid = Table(
        title=message("tally.title", unit=table.unit, by=", ".join(table.by)), title_justify="left"
    )
    for name in table.columns:
        is_text = name.startswith("name_") or name in ("platform", "day", "hour", "in_cut")
        grid.add_column(name, justify="left" if is_text else "right", overflow="fold")
    last_row_in_cut = _last_row_in_cut(table)
    for place, row in enumerate(table.rows, start=1):
        grid.add_row(*(escape(str(cell)) for cell in row), end_section=place == last_row_in_cut)
    console.print(grid)
    if last_row_in_cut is not None:
        console.print(message("tally.cut_line", place=last_row_in_cut), highlight=False)


def _last_row_in_cut(table: TallyTable) -> int | None:
    """Return the row below which the cut line is drawn, or None."""
    size = table.contest.rules.cut.size
    ranked = sum(row[-1] != "withdrawn" for row in table.rows)
    return size if "in_cut" in table.columns and size < ranked else None
