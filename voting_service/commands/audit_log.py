"""`audit-log`: verify the hash chain of the audit log, search it, export it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import click

from voting_service.commands.output import say
from voting_service.commands.runtime import (
    database,
    run,
    terminal_user,
)
from voting_service.errors import InvalidInput, Refused
from voting_service.settings import Settings, load_settings
from voting_service.staff.audit_log.hash_chain import (
    BEGINNING,
    Chain,
    ChainFault,
    Head,
    parse_head,
)
from voting_service.staff.audit_log.json_lines import encode_entry, read_lines
from voting_service.staff.audit_log.model import ACTS, Entry
from voting_service.staff.audit_log.record import record
from voting_service.staff.audit_log.repository import (
    Filters,
    entries_after,
    search,
)


@click.group("audit-log")
def audit_log() -> None:
    """Verify, search and export the record of what staff did."""


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


@audit_log.command("verify")
@click.option(
    "--expect",
    "noted",
    multiple=True,
    type=_HeadType(),
    help="A line number and hash you noted earlier; that line must still be there, unchanged. "
    "Repeatable.",
)
@click.option(
    "--file",
    "export",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Verify a file written by `audit-log export` instead of the database.",
)
def verify(noted: tuple[Head, ...], export: Path | None) -> None:
    """Recompute the hash of every line and name each line that was changed, removed or added.

    Prints the number and hash of the last line. Note them somewhere outside this system: with
    --expect they reveal later whether the end was cut off or the whole log was rewritten.
    """
    chain = Chain(noted=noted)
    if export is None:
        lines, faults = run(_verify_stored(load_settings(), chain))
    else:
        with export.open("rb") as stream:
            lines, faults = _verify_entries(chain, read_lines(stream))
    say("audit_log.last_line", lines=lines, head=chain.head)
    if faults:
        raise Refused("commands.audit_log.not_as_written", faults=faults)
    if chain.head == BEGINNING:
        say("audit_log.empty")
    elif noted:
        say("audit_log.unchanged")
    else:
        say("audit_log.complete")


async def _verify_stored(settings: Settings, chain: Chain) -> tuple[int, int]:
    lines = faults = 0
    async with database(settings) as connection:
        async for batch in entries_after(connection):
            read, wrong = _check(chain, iter(batch))
            lines, faults = lines + read, faults + wrong
    return lines, faults + _print_faults(chain.finish())


def _verify_entries(chain: Chain, entries: Iterator[Entry]) -> tuple[int, int]:
    lines, faults = _check(chain, entries)
    return lines, faults + _print_faults(chain.finish())


def _check(chain: Chain, entries: Iterator[Entry]) -> tuple[int, int]:
    """Return the numbers of lines and faults; prints each fault."""
    lines = faults = 0
    for entry in entries:
        lines += 1
        faults += _print_faults(chain.check(entry))
    return lines, faults


def _print_faults(faults: Iterator[ChainFault]) -> int:
    """Print each fault on stderr and return how many there were."""
    count = 0
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
        count += 1
    return count


_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@audit_log.command("show")
@click.option("--actor", help="Only lines of this account or program.")
@click.option("--act", type=click.Choice(ACTS), help="Only this action.")
@click.option("--contest", help="Only this contest (its slug).")
@click.option("--words", help="Only lines whose target or details contain this text.")
@click.option("--from", "since", type=_MOMENT, help="From this time on (UTC).")
@click.option("--to", "until", type=_MOMENT, help="Before this time (UTC).")
@click.option("--before", type=int, help="Only lines before this line number, for the next page.")
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
    """Show the newest matching lines, newest last."""
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


@audit_log.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
def export_audit_log(file: Path) -> None:
    """Write the audit log to FILE, one JSON object per line, for `audit-log verify --file`."""
    with click.open_file(str(file), "wb") as stream:
        head = run(_export(load_settings(), stream))
    say("audit_log.written", err=True, head=head)


async def _export(settings: Settings, stream: IO[Any]) -> Head:
    head, written = BEGINNING, sha256()
    async with database(settings) as connection:
        async for batch in entries_after(connection):
            lines = b"".join(encode_entry(entry) for entry in batch)
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
