"""Recommending bodies and their officers from Excel: looked at first, then all or nothing.

An administrator adds bodies and invites officers alone, as on the page of bodies: neither an
officer nor an administrator decides on a recommendation.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

import xlsxwriter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import InvalidInput
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language, Text, typed_english
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.recommending_bodies import LISTED_BODIES
from voting_service.nomination.repository import load_bodies
from voting_service.nomination.service import add_body, invite_officer
from voting_service.nomination.settings.body_list import (
    COLUMNS,
    KINDS,
    MAX_BODIES,
    ListedRow,
    read_body_list,
)
from voting_service.sites.nomination.recommendations.context import fault_sentence
from voting_service.sites.nomination.settings.lists import about_list
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.multipart import Posted
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS, page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import encoding_turn, read_upload
from voting_service.staff.accounts.invitations import INVITATION_HOURS

IMPORT = "/bodies/import"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WORKBOOK = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


class BodyRow(NamedTuple):
    """A row of the preview, with sentences about what is wrong."""

    listed: ListedRow
    faults: Sequence[str]


class Invited(NamedTuple):
    """An officer's link, which is shown once."""

    body: Text
    officer: str
    link: str


@signed_in("administrator", step_up=True)
async def show_import(request: Request) -> Response:
    """Show what a list is, and where to choose one."""
    return _import_page(request)


def _import_page(
    request: Request, rows: Sequence[ListedRow] = (), error: InvalidInput | None = None
) -> Response:
    reader = language(request)
    shown = [BodyRow(row, [fault_sentence(fault, reader) for fault in row.faults]) for row in rows]
    is_ready = bool(rows) and not any(row.faults for row in rows)
    return page(
        request,
        "selection_settings/bodies.html",
        status=200 if error is None and (is_ready or not rows) else 422,
        rows=shown,
        is_ready=is_ready,
        new_bodies=sum(row.is_new for row in rows),
        officers=sum(bool(row.officer) for row in rows),
        as_csv=_as_csv(rows, reader),
        faults=[about_list(fault, reader) for fault in error.faults] if error else [],
        limit=MAX_BODIES,
        hours=INVITATION_HOURS,
    )


def _as_csv(rows: Sequence[ListedRow], reader: Language) -> str:
    """Return rows as the list that is confirmed: read again, it gives the same rows."""
    texts, kinds = (
        load_catalogue("selection_settings", reader),
        load_catalogue("nomination", reader),
    )
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(texts["columns"][column] for column in COLUMNS)
    for row in rows:
        english = typed_english(row.name.zh, row.name.en)
        writer.writerow((kinds["bodies"][row.kind], row.name.zh, english, row.slug, row.officer))
    return stream.getvalue()


@signed_in("administrator", step_up=True)
@limiter.limit(rate("upload"))
async def post_import(request: Request) -> Response:
    """Show what the rows of a list would become; store them when that was confirmed and nothing is
    wrong."""
    posted = await read_upload(request)
    state = get_state(request)
    async with state.connection() as connection:
        bodies = await load_bodies(connection)
        try:
            async with encoding_turn():
                rows = await asyncio.to_thread(read_body_list, _content(posted), bodies)
        except InvalidInput as error:
            return _import_page(request, error=error)
        if posted.field("act") != "create" or any(row.faults for row in rows):
            return _import_page(request, rows)
        invited = await _store(request, connection, rows)
    return page(
        request,
        "selection_settings/bodies_added.html",
        status=201,
        invited=invited,
        added=sum(row.is_new for row in rows),
        hours=INVITATION_HOURS,
    )


def _content(posted: Posted) -> bytes:
    shown = posted.field("rows")
    return shown.encode() if shown else posted.file("list").content


async def _store(
    request: Request, connection: AnyConnection, rows: Sequence[ListedRow]
) -> Sequence[Invited]:
    """Add the new bodies and invite the officers, all or nothing. Raises InvalidInput when a body
    was added since."""
    actor, state = current_actor(request, connection), get_state(request)
    invited: list[Invited] = []
    async with connection.transaction():
        for row in rows:
            if row.is_new:
                await add_body(actor, row.slug, row.kind, row.name)
        bodies = {body.slug: body for body in await load_bodies(connection)}
        for row in rows:
            if row.officer:
                token = await invite_officer(actor, bodies[row.slug], row.officer)
                link = f"{state.settings.staff_url}/invitation/{token}"
                invited.append(Invited(row.name, row.officer, link))
    return invited


@signed_in("administrator")
async def template(request: Request) -> Response:
    """Return the list as an Excel workbook, with the 41 districts and counties filled in."""
    reader = language(request)
    content = await asyncio.to_thread(_write_template, reader)
    name = load_catalogue("selection_settings", reader)["bodies"]["file_name"]
    headers = {**PAGE_HEADERS, "content-disposition": content_disposition(f"{name}.xlsx")}
    return Response(content, 200, headers, media_type=_XLSX)


def _write_template(reader: Language) -> bytes:
    texts, kinds = (
        load_catalogue("selection_settings", reader),
        load_catalogue("nomination", reader),
    )
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, _WORKBOOK) as workbook:
        sheet = workbook.add_worksheet(texts["bodies"]["file_name"])
        as_text = workbook.add_format({"num_format": "@"})
        heading = workbook.add_format({"bold": True, "bg_color": "#F6F1E7", "border": 1})
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(COLUMNS) - 1, 24, as_text)
        sheet.write_row(0, 0, [texts["columns"][column] for column in COLUMNS], heading)
        choices = [kinds["bodies"][kind] for kind in KINDS]
        sheet.data_validation(1, 0, MAX_BODIES, 0, {"validate": "list", "source": choices})
        for at, body in enumerate(LISTED_BODIES, start=1):
            sheet.write_row(at, 0, (choices[0], body.name.zh, body.name.en, body.slug), as_text)
    return stream.getvalue()


ROUTES = [
    Route(IMPORT, show_import),
    Route(IMPORT, post_import, methods=["POST"]),
    Route(f"{IMPORT}/template.xlsx", template),
]
