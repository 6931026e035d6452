"""The page of exports, and the files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.accounts.model import Role
from voting_service.contests.model import Contest
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.cookies import language
from voting_service.desk.rendering import page
from voting_service.desk.state import contest_of, desk_of
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.journal.checking import load_head
from voting_service.journal.file import line_of
from voting_service.journal.model import Entry
from voting_service.journal.reading import Filters, entries_after, search
from voting_service.replay.writing import audit_archive
from voting_service.staff.exports.download import Pieces, Progress, RecordedDownload
from voting_service.staff.exports.rows import ROW_EXPORTS, RowExport, counted
from voting_service.staff.exports.writing import FORMATS, Table
from voting_service.storage.postgres import Connection
from voting_service.tally.exports import tally_table, to_csv, to_json, to_xlsx
from voting_service.tally.recount import Key, recount
from voting_service.tally.report.tally_report import tally_report

EXPORTERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")
AUDITORS: tuple[Role, ...] = ("auditor",)
KEYS: tuple[Key, ...] = get_args(Key)
RECENT = 20
TALLY_FORMATS = ("csv", "xlsx", "json")
_MEDIA_TYPES = {
    "pdf": "application/pdf",
    "zip": "application/zip",
    **{name: kind.media_type for name, kind in FORMATS.items()},
}


class Taken(NamedTuple):
    """A file that somebody took away. Only the downloads of this page record how they ended;
    others record what they like, so `state` and `sha256` may be empty and `rows` None."""

    at: datetime
    actor: str
    file: str
    state: str
    rows: int | None
    sha256: str


def taken(line: Entry) -> Taken:
    """What a line of the act "exported" tells, whatever shape its details have."""
    state, rows = line.facts.get("state"), line.facts.get("rows")
    digest = line.facts.get("sha256", line.facts.get("document_sha256"))
    return Taken(
        line.at,
        line.actor,
        line.subject,
        state if isinstance(state, str) else "",
        rows if type(rows) is int and rows.bit_length() < 64 else None,
        digest if isinstance(digest, str) else "",
    )


@signed_in(*EXPORTERS, step_up=True)
async def exports_page(request: Request) -> Response:
    """What there is to take away, and what was taken lately."""
    contest, desk = contest_of(request), desk_of(request)
    async with desk.connection() as connection:
        lines = await search(
            connection, Filters(act="exported", contest=contest.slug), limit=2 * RECENT
        )
    recent = [each for each in map(taken, lines) if each.state != "begun"]
    return page(
        request,
        "exports/exports.html",
        contest=contest,
        keys=KEYS,
        tally_formats=TALLY_FORMATS,
        row_exports=ROW_EXPORTS,
        recent=recent[:RECENT],
        may_take_journal=visitor(request).account.role in AUDITORS,
    )


@signed_in(*EXPORTERS, step_up=True)
async def tally_file(request: Request) -> Response:
    """The tally, recounted from the ballots: `?format=&by=&by=`."""
    contest = contest_of(request)
    kind = _format(request, TALLY_FORMATS)
    by = _keys(request)

    async def pieces(connection: Connection, progress: Progress) -> AsyncGenerator[bytes, None]:
        recounted = await recount(connection, contest)
        table = await asyncio.to_thread(
            tally_table, contest, recounted, by, desk_of(request).clock()
        )
        progress.saw_rows(len(table.rows))
        if kind == "csv":
            yield await asyncio.to_thread(to_csv, table, mark=True)
        else:
            yield await asyncio.to_thread(to_xlsx if kind == "xlsx" else to_json, table)

    return _download(request, f"tally-{'-'.join(by)}", kind, pieces, what="tally", by=list(by))


def _keys(request: Request) -> tuple[Key, ...]:
    asked = request.query_params.getlist("by")
    if unknown := [key for key in asked if key not in KEYS]:
        raise InvalidInput(Fault("by", f"{unknown[0][:20]!r} is none of {', '.join(KEYS)}"))
    return tuple(key for key in KEYS if key in asked) or ("candidate",)


def _format(request: Request, formats: tuple[str, ...]) -> str:
    asked = request.query_params.get("format", formats[0])
    if asked not in formats:
        raise InvalidInput(Fault("format", f"choose one of {', '.join(formats)}"))
    return asked


@signed_in(*EXPORTERS, step_up=True)
async def rows_file(request: Request) -> Response:
    """Ballots, holds, rulings or decisions: `?format=`."""
    contest, name = contest_of(request), request.path_params["rows"]
    export = ROW_EXPORTS.get(name)
    if export is None:
        raise NotFound("there is no export of this name")
    kind = _format(request, export.formats)
    return _download(request, name, kind, _rows(export, contest, kind), what=name)


def _rows(export: RowExport, contest: Contest, kind: str) -> Pieces:
    def pieces(connection: Connection, progress: Progress) -> AsyncGenerator[bytes, None]:
        columns, rows = export.table(connection, contest)
        return FORMATS[kind].pieces(Table(columns, counted(rows, progress.saw_rows)))

    return pieces


@signed_in(*EXPORTERS, step_up=True)
async def report_file(request: Request) -> Response:
    """The tally report as PDF, in the reader's language."""
    contest, spoken = contest_of(request), language(request)

    async def pieces(connection: Connection, _progress: Progress) -> AsyncGenerator[bytes, None]:
        recounted = await recount(connection, contest)
        yield await asyncio.to_thread(tally_report, contest, recounted, spoken)

    return _download(request, "report", "pdf", pieces, what="report", language=spoken)


@signed_in(*EXPORTERS, step_up=True)
async def archive_file(request: Request) -> Response:
    """The audit archive, from which anybody can recompute what was published."""
    contest = contest_of(request)

    def pieces(connection: Connection, _progress: Progress) -> AsyncGenerator[bytes, None]:
        return cast(AsyncGenerator[bytes, None], audit_archive(connection, contest))

    return _download(request, "archive", "zip", pieces, what="archive")


@signed_in(*AUDITORS, step_up=True)
async def journal_file(request: Request) -> Response:
    """The whole journal, of every contest, for `journal verify --file`."""

    async def pieces(connection: Connection, progress: Progress) -> AsyncGenerator[bytes, None]:
        head = await load_head(connection)
        async for batch in entries_after(connection):
            lines = [line_of(entry) for entry in batch if entry.entry <= head.entry]
            progress.saw_rows(len(lines))
            yield b"".join(lines)
            if batch[-1].entry >= head.entry:
                return

    return _download(request, "journal", "jsonl", pieces, what="journal")


def _download(
    request: Request, name: str, ending: str, pieces: Pieces, **details: Any
) -> RecordedDownload:
    """`details` are for the journal."""
    desk, contest = desk_of(request), contest_of(request)
    moment = desk.clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return RecordedDownload(
        desk,
        actor=visitor(request).account.name,
        contest=contest.slug,
        file_name=f"{contest.slug}-{name}-{moment}.{ending}",
        media_type=_MEDIA_TYPES[ending],
        details={"format": ending, **details},
        pieces=pieces,
    )


_EXPORTS = "/contests/{slug}/exports"

ROUTES = [
    Route(_EXPORTS, exports_page),
    Route(f"{_EXPORTS}/tally", tally_file),
    Route(f"{_EXPORTS}/report", report_file),
    Route(f"{_EXPORTS}/archive", archive_file),
    Route(f"{_EXPORTS}/journal", journal_file),
    Route(f"{_EXPORTS}/{{rows}}", rows_file),
]
