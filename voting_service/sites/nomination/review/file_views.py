"""Photo, evidence and scans: shown page by page as images, or downloaded."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import NotFound
from voting_service.i18n.catalogues import load_catalogue
from voting_service.nomination.model import READERS, Slot
from voting_service.nomination.recommendations.file_intake import JPEG, PDF, SUFFIXES
from voting_service.nomination.recommendations.model import File
from voting_service.nomination.review import service
from voting_service.nomination.review.page_images import render_page_image
from voting_service.nomination.review.repository import SLOTS, load_submitted_recommendation
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.recommendations.printed_form import (
    load_submitted_sheet,
    print_sheet,
)
from voting_service.sites.nomination.review.views import RECOMMENDATION
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.security_headers import SECURITY_HEADERS
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.state import get_state

_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@signed_in(*READERS)
async def show_page(request: Request) -> Response:
    """Return one page as an image."""
    number = request.path_params["page"]
    file = await _open_file(request, "viewed", page=number)
    if file.media_type == PDF:
        image = await render_page_image(file.content, number)
        return Response(image, 200, _HEADERS, media_type="image/png")
    if file.media_type == JPEG and number == 1:
        return Response(file.content, 200, _HEADERS, media_type=JPEG)
    raise NotFound("sites.nomination.review.no_page_images")


@signed_in(*READERS)
async def download(request: Request) -> Response:
    """Return the file as it was submitted."""
    file = await _open_file(request, "exported")
    number, slot = request.path_params["recommendation"], request.path_params["slot"]
    what = load_catalogue("recommendations", language(request))["slots"][slot]
    name = f"{what}-{number}.{SUFFIXES.get(file.media_type, 'bin')}"
    headers = {**_HEADERS, "content-disposition": content_disposition(name)}
    return Response(file.content, 200, headers, media_type=file.media_type)


@signed_in(*READERS)
async def print_form(request: Request) -> Response:
    """Return the paper form of a submitted recommendation as PDF. Raises NotFound."""
    number = request.path_params["recommendation"]
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        submitted = await load_submitted_recommendation(
            connection, actor.keys, actor.selection, number
        )
        sheet = await load_submitted_sheet(actor, submitted)
    reader = language(request)
    what = load_catalogue("recommendations", reader)["file_names"]["form"]
    name = f"{what}-{getattr(submitted.body.name, reader)}-{number}.pdf"
    headers = {**_HEADERS, "content-disposition": content_disposition(name, inline=True)}
    return Response(await print_sheet(sheet), 200, headers, media_type=PDF)


async def _open_file(
    request: Request, act: Literal["viewed", "exported"], page: int | None = None
) -> File:
    slot: Slot | None = next((s for s in SLOTS if s == request.path_params["slot"]), None)
    if slot is None:
        raise NotFound("sites.nomination.review.no_such_file")
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        return await service.open_file(
            actor, request.path_params["recommendation"], slot, act, page
        )


ROUTES = [
    Route(f"{RECOMMENDATION}/files/{{slot}}/{{page:int}}", show_page),
    Route(f"{RECOMMENDATION}/files/{{slot}}/download", download),
    Route(f"{RECOMMENDATION}/form.pdf", print_form),
]
