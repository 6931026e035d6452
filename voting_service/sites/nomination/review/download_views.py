"""The list of recommendations as a workbook, and the documents of many as a ZIP."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from voting_service.i18n.catalogues import load_catalogue
from voting_service.nomination.model import READERS, REVIEWERS
from voting_service.nomination.review.document_packs import (
    KEPT_FOR,
    export_pack,
    load_packs,
    pack_pieces,
    request_pack,
)
from voting_service.nomination.review.recommendation_list import ListedContext, write_list
from voting_service.nomination.review.service import export_list, view_queue
from voting_service.sites.nomination.context import (
    personal_keys,
    requested_selection,
    selection_actor,
)
from voting_service.sites.nomination.review.filter_address import filter_query, read_filter
from voting_service.sites.nomination.review.views import REVIEW
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.security_headers import SECURITY_HEADERS
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

DOWNLOAD = f"{REVIEW}/download"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@signed_in(*READERS)
async def show_downloads(request: Request) -> Response:
    """Offer list and documents of what the filter in the address shows, and show past packs."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        queue = await view_queue(actor, read_filter(request, actor.keys))
        packs = await load_packs(connection, actor.selection)
    return page(
        request,
        "review/downloads.html",
        selection=actor.selection,
        shown=queue.shown,
        query=filter_query(queue.filter, actor.keys),
        packs=packs,
        expired=actor.now - KEPT_FOR,
        may_review=current_user(request).account.role in REVIEWERS,
    )


@signed_in(*READERS, step_up=True, is_file=True)
async def download_list(request: Request) -> Response:
    """Return the list of what the filter shows, recorded in the audit log. ID numbers and
    telephones are for those who decide."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        with_contacts = actor.account.role in REVIEWERS
        people = await export_list(
            actor, read_filter(request, actor.keys), with_contacts=with_contacts
        )
    context = ListedContext(actor.selection, language(request))
    content = write_list(context, people, actor.now, with_contacts=with_contacts)
    day = actor.now.astimezone(actor.selection.zone)
    name = f"{_texts(request)['list']['sheet']}-{actor.selection.slug}-{day:%Y%m%d-%H%M}.xlsx"
    return Response(content, 200, _headers(name), media_type=_XLSX)


@signed_in(*REVIEWERS, step_up=True)
async def start_pack(request: Request) -> Response:
    """Request the documents of what the filter shows; the ZIP is made in the background."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        queue = await view_queue(actor, read_filter(request, actor.keys))
        await request_pack(actor, [person.id for person in queue.shown], language(request))
        query = filter_query(queue.filter, actor.keys)
    return RedirectResponse(f"{request.url.path}{query}", 303)


@signed_in(*READERS)
async def progress(request: Request) -> Response:
    """State and finished steps of every pack, for the page's script."""
    async with get_state(request).connection() as connection:
        packs = await load_packs(connection, await requested_selection(request, connection))
    states = {
        str(pack.id): ["working" if state in ("waiting", "running") else state, pack.steps_done]
        for pack, state in packs
    }
    return JSONResponse(states, headers={"cache-control": "no-store"})


@signed_in(*REVIEWERS, step_up=True, is_file=True)
async def download_pack(request: Request) -> Response:
    """Stream a ZIP; each download is recorded in the audit log."""
    state = get_state(request)
    async with state.connection() as connection:
        actor = await selection_actor(request, connection)
        pack = await export_pack(actor, request.path_params["pack"])
    pieces: AsyncGenerator[bytes, None] = pack_pieces(state.database, personal_keys(request), pack)
    name = f"{_texts(request)['downloads']['file']}-{actor.selection.slug}-{pack.id}.zip"
    headers = {**_headers(name), "content-length": str(pack.size_bytes)}
    return StreamingResponse(pieces, 200, headers, media_type="application/zip")


def _texts(request: Request) -> dict[str, dict[str, str]]:
    return dict(load_catalogue("review", language(request)))


def _headers(name: str) -> dict[str, str]:
    return {
        **SECURITY_HEADERS,
        "cache-control": "no-store",
        "content-disposition": content_disposition(name),
    }


ROUTES = [
    Route(DOWNLOAD, show_downloads),
    Route(DOWNLOAD, start_pack, methods=["POST"]),
    Route(f"{DOWNLOAD}/progress.json", progress),
    Route(f"{DOWNLOAD}/{{pack:int}}.zip", download_pack),
    Route(f"{REVIEW}/list.xlsx", download_list),
]
