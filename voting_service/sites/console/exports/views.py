"""The page of exports and its downloads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
)
from voting_service.i18n.catalogues import load_catalogue
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.exports.formats import FORMATS, ExportTable
from voting_service.sites.console.exports.recorded_download import (
    DownloadProgress,
    Pieces,
    RecordedDownload,
)
from voting_service.sites.console.exports.rows import (
    ROW_EXPORTS,
    Reading,
    RowExport,
    count_rows,
)
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.model import Role
from voting_service.staff.audit_log.json_lines import encode_entry
from voting_service.staff.audit_log.model import Entry
from voting_service.staff.audit_log.repository import (
    Filters,
    entries_after,
    search,
)
from voting_service.staff.audit_log.verification import load_head
from voting_service.voting.replay.writer import audit_archive
from voting_service.voting.tally.exports import (
    tally_table,
    to_csv,
    to_json,
    to_xlsx,
)
from voting_service.voting.tally.recount import Key, recount
from voting_service.voting.tally.report.tally_report import tally_report

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


class PastExport(NamedTuple):
    """An earlier export. Only downloads of this page record how they ended; for others `state` and
    `sha256` may be empty and `rows` None."""

    at: datetime
    actor: str
    file: str
    state: str
    rows: int | None
    sha256: str


def past_export(line: Entry) -> PastExport:
    """Return the export that an audit log entry records, whatever its details contain."""
    state, rows = line.facts.get("state"), line.facts.get("rows")
    digest = line.facts.get("sha256", line.facts.get("document_sha256"))
    return PastExport(
        line.at,
        line.actor,
        line.subject,
        state if isinstance(state, str) else "",
        rows if type(rows) is int and rows.bit_length() < 64 else None,
        digest if isinstance(digest, str) else "",
    )


@signed_in(*EXPORTERS, step_up=True)
async def exports_page(request: Request) -> Response:
    """Show the available and the latest exports."""
    contest, state = contest_from_path(request), get_state(request)
    async with state.connection() as connection:
        lines = await search(
            connection, Filters(act="exported", contest=contest.slug), limit=2 * RECENT
        )
    recent = [export for export in map(past_export, lines) if export.state != "begun"]
    return page(
        request,
        "exports/exports.html",
        contest=contest,
        keys=KEYS,
        tally_formats=TALLY_FORMATS,
        row_exports=ROW_EXPORTS,
        recent=recent[:RECENT],
        may_export_audit_log=current_user(request).account.role in AUDITORS,
    )


@signed_in(*EXPORTERS, step_up=True, is_file=True)
async def tally_file(request: Request) -> Response:
    """Return the tally, recounted from the ballots: `?format=&by=&by=`."""
    contest = contest_from_path(request)
    kind = _format(request, TALLY_FORMATS)
    by = _keys(request)

    async def pieces(
        connection: Connection, progress: DownloadProgress
    ) -> AsyncGenerator[bytes, None]:
        recounted = await recount(connection, contest)
        table = await asyncio.to_thread(
            tally_table, contest, recounted, by, get_state(request).clock()
        )
        progress.saw_rows(len(table.rows))
        if kind == "csv":
            yield await asyncio.to_thread(to_csv, table, mark=True)
        elif kind == "xlsx":
            yield await asyncio.to_thread(to_xlsx, table, language(request))
        else:
            yield await asyncio.to_thread(to_json, table)

    return _download(request, f"tally-{'-'.join(by)}", kind, pieces, what="tally", by=list(by))


def _keys(request: Request) -> tuple[Key, ...]:
    keys = request.query_params.getlist("by")
    if unknown := [key for key in keys if key not in KEYS]:
        raise InvalidInput(
            Fault(
                "by",
                "sites.console.exports.unknown_key",
                unknown=unknown[0][:20],
                keys=", ".join(KEYS),
            )
        )
    return tuple(key for key in KEYS if key in keys) or ("candidate",)


def _format(request: Request, formats: tuple[str, ...]) -> str:
    requested = request.query_params.get("format", formats[0])
    if requested not in formats:
        raise InvalidInput(
            Fault("format", "sites.console.exports.unknown_format", formats=", ".join(formats))
        )
    return requested


@signed_in(*EXPORTERS, step_up=True, is_file=True)
async def rows_file(request: Request) -> Response:
    """Return ballots, holds, rulings or approval requests: `?format=`."""
    contest, name = contest_from_path(request), request.path_params["rows"]
    export = ROW_EXPORTS.get(name)
    if export is None:
        raise NotFound("sites.console.exports.no_such_export")
    kind = _format(request, export.formats)
    # A workbook is for people, other formats are for programs.
    reading = Reading(contest, language(request) if kind == "xlsx" else None)
    return _download(request, name, kind, _rows(export, reading, kind), what=name)


def _rows(export: RowExport, reading: Reading, kind: str) -> Pieces:

    def pieces(connection: Connection, progress: DownloadProgress) -> AsyncGenerator[bytes, None]:
        columns, rows = export.table(connection, reading)
        return FORMATS[kind].pieces(ExportTable(columns, count_rows(rows, progress.saw_rows)))

    return pieces


@signed_in(*EXPORTERS, step_up=True, is_file=True)
async def report_file(request: Request) -> Response:
    """Return the tally report as PDF, in the reader's language."""
    contest, spoken = contest_from_path(request), language(request)

    async def pieces(
        connection: Connection, _progress: DownloadProgress
    ) -> AsyncGenerator[bytes, None]:
        recounted = await recount(connection, contest)
        yield await asyncio.to_thread(tally_report, contest, recounted, spoken)

    return _download(request, "report", "pdf", pieces, what="report", language=spoken)


@signed_in(*EXPORTERS, step_up=True, is_file=True)
async def archive_file(request: Request) -> Response:
    """Return the audit archive, from which anyone can recompute what was published."""
    contest = contest_from_path(request)

    def pieces(connection: Connection, _progress: DownloadProgress) -> AsyncGenerator[bytes, None]:
        return cast(AsyncGenerator[bytes, None], audit_archive(connection, contest))

    return _download(request, "archive", "zip", pieces, what="archive")


@signed_in(*AUDITORS, step_up=True, is_file=True)
async def audit_log_file(request: Request) -> Response:
    """The whole audit log, of every contest, for `audit-log verify --file`."""

    async def pieces(
        connection: Connection, progress: DownloadProgress
    ) -> AsyncGenerator[bytes, None]:
        head = await load_head(connection)
        async for batch in entries_after(connection):
            lines = [encode_entry(entry) for entry in batch if entry.entry <= head.entry]
            progress.saw_rows(len(lines))
            yield b"".join(lines)
            if batch[-1].entry >= head.entry:
                return

    return _download(request, "audit-log", "jsonl", pieces, what="audit_log")


def _download(
    request: Request, name: str, ending: str, pieces: Pieces, **details: Any
) -> RecordedDownload:
    """Return a recorded download; `details` go into the audit log."""
    state, contest = get_state(request), contest_from_path(request)
    now = state.clock()
    what = load_catalogue("exports", language(request))["what"][details["what"]]
    title = getattr(contest.rules.title, language(request))
    local = now.astimezone(contest.zone)
    file_name = f"{contest.slug}-{name}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.{ending}"
    return RecordedDownload(
        state,
        actor=current_user(request).account.name,
        contest=contest.slug,
        file_name=file_name,
        shown_name=f"{title}-{what}-{local:%Y-%m-%d-%H%M%S}.{ending}",
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
    Route(f"{_EXPORTS}/audit-log", audit_log_file),
    Route(f"{_EXPORTS}/{{rows}}", rows_file),
]
