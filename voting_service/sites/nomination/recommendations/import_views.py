"""The page on which an officer brings many recommendations at once, and the template of the list.

"Check" shows what every row would become and what is wrong with it, and stores nothing; so nothing
of a list that is not wanted after all has to be erased.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.nomination.files.model import MAX_FILE_BYTES
from voting_service.nomination.model import RecommendingBody, Selection
from voting_service.nomination.recommendations.model import MAX_DRAFTS
from voting_service.nomination.repository import load_officer_body
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.recommendations.context import LIST, fault_sentence
from voting_service.sites.nomination.recommendations.form_list_template import write_template
from voting_service.sites.nomination.recommendations.list_import import (
    PreparedList,
    PreparedPerson,
    create_drafts,
    prepare_list,
)
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS, page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import (
    MAX_BODY_BYTES,
    encoding_turn,
    read_upload,
)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ImportRow(NamedTuple):
    """A row of the preview: number, name, employer, files, and sentences about it."""

    row: int
    name: str
    employer: str
    files: int
    faults: list[tuple[str, str]]
    notes: list[str]


class ImportResult(NamedTuple):
    """What a list led to: what is wrong with it as a whole, or its rows and what is left over."""

    faults: list[str]
    rows: list[ImportRow]
    unused: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        return bool(self.rows) and not any((self.faults, *(row.faults for row in self.rows)))


@signed_in("recommender")
async def show_import(request: Request) -> Response:
    """Show what a list is, and where to choose one."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        body = await load_officer_body(connection, actor.account)
    return _page(request, actor.selection, body)


@signed_in("recommender")
@limiter.limit(rate("upload"), error_message="sites.nomination.recommendations.too_many_uploads")
async def post_import(request: Request) -> Response:
    """Show what the rows of a list would become; store them when that was asked for and nothing is
    wrong."""
    posted = await read_upload(request)
    state, reader = get_state(request), language(request)
    async with state.connection() as connection:
        actor = await selection_actor(request, connection)
        body = await load_officer_body(connection, actor.account)
    selection = actor.selection
    try:
        async with encoding_turn():
            prepared = await prepare_list(posted.file("list"), actor)
    except InvalidInput as error:
        faults = [_about_file(fault, reader) for fault in error.faults]
        return _page(request, selection, body, ImportResult(faults, []))
    result = _result(prepared, reader)
    if posted.field("act") != "create" or not result.is_ready:
        return _page(request, selection, body, result)
    try:
        async with state.connection() as connection:
            actor = await selection_actor(request, connection)
            await create_drafts(actor, body, prepared)
    except Refused as error:
        return _page(request, selection, body, ImportResult([error.text(reader)], []))
    return RedirectResponse(f"{LIST.format(slug=selection.slug)}?done=imported", 303)


def _about_file(fault: Fault, reader: Language) -> str:
    """Return a fault of the whole file as a sentence; those of its readers go on after its name."""
    if reader == "en" and fault.code.startswith("infrastructure."):
        return f"The file {fault.message}."
    return fault_sentence(fault, reader)


def _result(prepared: PreparedList, reader: Language) -> ImportResult:
    rows = [_shown(person, reader) for person in prepared.people]
    empty = [] if rows else ["sites.nomination.recommendations.list_empty"]
    faults = [fault_sentence(Fault("list", code), reader) for code in empty]
    return ImportResult(faults, rows, tuple(prepared.unused))


def _shown(person: PreparedPerson, reader: Language) -> ImportRow:
    texts = load_catalogue("recommendations", reader)
    names = {**texts["fields"], **texts["slots"]}
    return ImportRow(
        row=person.row,
        name=person.form.name,
        employer=person.form.employer,
        files=len(person.files),
        faults=[(names[fault.field], fault_sentence(fault, reader)) for fault in person.faults],
        notes=[fault_sentence(note, reader) for note in person.notes],
    )


def _page(
    request: Request,
    selection: Selection,
    body: RecommendingBody,
    result: ImportResult | None = None,
) -> Response:
    return page(
        request,
        "recommendations/import.html",
        status=200 if result is None or result.is_ready else 422,
        selection=selection,
        body=body,
        result=result,
        max_drafts=MAX_DRAFTS,
        max_megabytes=MAX_BODY_BYTES // 2**20,
        max_file_megabytes=MAX_FILE_BYTES // 2**20,
    )


@signed_in("recommender")
async def template(request: Request) -> Response:
    """Return the empty list as an Excel workbook."""
    reader = language(request)
    async with get_state(request).connection() as connection:
        selection = (await selection_actor(request, connection)).selection
    content = await asyncio.to_thread(write_template, selection.rules, reader)
    name = load_catalogue("recommendations", reader)["file_names"]["list"]
    headers = {**PAGE_HEADERS, "content-disposition": content_disposition(f"{name}.xlsx")}
    return Response(content, 200, headers, media_type=XLSX)


ROUTES = [
    Route(f"{LIST}/import", show_import),
    Route(f"{LIST}/import", post_import, methods=["POST"]),
    Route(f"{LIST}/template.xlsx", template),
]
