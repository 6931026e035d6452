"""`journal`: check the chain of the staff's acts, look through it, write it to a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import click

from voting_service.commands.running import database, run, terminal_user
from voting_service.errors import InvalidInput, Refused
from voting_service.journal.chain import BEGINNING, Chain, ChainFault, Head, parse_head
from voting_service.journal.file import line_of, read_lines
from voting_service.journal.model import ACTS, Entry
from voting_service.journal.reading import Filters, entries_after, search
from voting_service.journal.record import record
from voting_service.settings import Settings, load_settings


@click.group()
def journal() -> None:
    """What the staff did: check that nothing was changed, look through it."""


class _HeadType(click.ParamType[Head]):
    name = "ENTRY:HASH"

    def convert(
        self, value: str | Head, param: click.Parameter | None, ctx: click.Context | None
    ) -> Head:
        if isinstance(value, Head):
            return value
        try:
            return parse_head(value)
        except InvalidInput as error:
            self.fail(error.faults[0].message, param, ctx)


@journal.command("verify")
@click.option(
    "--expect",
    "noted",
    multiple=True,
    type=_HeadType(),
    help="A head noted down earlier: all that stood then must still stand. May be repeated.",
)
@click.option(
    "--file",
    "export",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check a file of `journal export` instead of the database.",
)
def verify(noted: tuple[Head, ...], export: Path | None) -> None:
    """Recompute every line: what was changed, removed, inserted or moved is named.

    Prints the head to note down somewhere else: only with --expect can it show that the end was
    cut off, or everything written anew.
    """
    chain = Chain(noted=noted)
    if export is None:
        lines, faults = run(_verify_stored(load_settings(), chain))
    else:
        with export.open("rb") as stream:
            lines, faults = _verify_entries(chain, read_lines(stream))
    click.echo(f"{lines} lines, head {chain.head}")
    if faults:
        raise Refused(f"the journal is not what was written: {faults} faults")
    if chain.head == BEGINNING:
        click.echo("nothing is written yet")
    elif noted:
        click.echo("every line follows the one before, and what was noted still stands")
    else:
        click.echo("every line follows the one before; note the head down where nobody changes it")


async def _verify_stored(settings: Settings, chain: Chain) -> tuple[int, int]:
    lines = faults = 0
    async with database(settings) as connection:
        async for batch in entries_after(connection):
            read, wrong = _check(chain, iter(batch))
            lines, faults = lines + read, faults + wrong
    return lines, faults + _say(chain.finish())


def _verify_entries(chain: Chain, entries: Iterator[Entry]) -> tuple[int, int]:
    lines, faults = _check(chain, entries)
    return lines, faults + _say(chain.finish())


def _check(chain: Chain, entries: Iterator[Entry]) -> tuple[int, int]:
    """How many lines there were, and how many faults, which are named at once."""
    lines = faults = 0
    for entry in entries:
        lines += 1
        faults += _say(chain.check(entry))
    return lines, faults


def _say(faults: Iterator[ChainFault]) -> int:
    said = 0
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
        said += 1
    return said


_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@journal.command("show")
@click.option("--actor", help="Who: an account's name, or a program's.")
@click.option("--act", type=click.Choice(ACTS), help="What was done.")
@click.option("--contest", help="The contest's slug.")
@click.option("--words", help="In what it was done to, or in the details.")
@click.option("--from", "since", type=_MOMENT, help="UTC.")
@click.option("--to", "until", type=_MOMENT, help="UTC; the first moment that is left out.")
@click.option("--before", type=int, help="Only lines before this one: the next page.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
def show(
    *,
    actor: str | None,
    act: str | None,
    contest: str | None,
    words: str | None,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    limit: int,
) -> None:
    """Show the newest lines that fit, the newest last."""
    filters = Filters(actor, act, contest, words, _utc(since), _utc(until))
    for entry in reversed(run(_search(load_settings(), filters, before, limit))):
        click.echo(_line(entry))


async def _search(
    settings: Settings, filters: Filters, before: int | None, limit: int
) -> list[Entry]:
    async with database(settings) as connection:
        return await search(connection, filters, before=before, limit=limit)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _line(entry: Entry) -> str:
    about = " ".join(part for part in (entry.contest, entry.subject) if part)
    details = "" if entry.details == "{}" else f"  {entry.details}"
    when = f"{entry.at:%Y-%m-%d %H:%M:%S}"
    return f"{entry.entry:>6}  {when}  {entry.actor}  {entry.act}  {about}{details}"


@journal.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
def export_journal(file: Path) -> None:
    """Write every line to FILE, a JSON object a line, for `journal verify --file` elsewhere."""
    with click.open_file(str(file), "wb") as stream:
        head = run(_export(load_settings(), stream))
    click.echo(f"wrote the journal up to {head}", err=True)


async def _export(settings: Settings, stream: IO[Any]) -> Head:
    head, written = BEGINNING, sha256()
    async with database(settings) as connection:
        async for batch in entries_after(connection):
            lines = b"".join(line_of(entry) for entry in batch)
            stream.write(lines)
            written.update(lines)
            head = Head(batch[-1].entry, batch[-1].hash)
        await record(
            connection,
            terminal_user(),
            "exported",
            subject="journal",
            details={"head": str(head), "sha256": written.hexdigest()},
        )
    return head
