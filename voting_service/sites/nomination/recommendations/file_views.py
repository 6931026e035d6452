"""Attached files for the officers of the body (pictures are shown, other files downloaded), and
the form as PDF."""

from __future__ import annotations

import asyncio
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import NotFound
from voting_service.i18n.catalogues import load_catalogue
from voting_service.nomination.documents.recommendation_form_word import write_recommendation_form
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.file_intake import JPEG, PDF, SUFFIXES
from voting_service.nomination.recommendations.service import record_view, view_file
from voting_service.nomination.review.page_images import render_page_image
from voting_service.sites.nomination.recommendations.context import (
    RECOMMENDATION,
    RecommendationContext,
    load_context,
)
from voting_service.sites.nomination.recommendations.printed_form import load_sheet, print_sheet
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS
from voting_service.sites.shared.signed_in.state import get_state

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SLOTS: tuple[Slot, ...] = get_args(Slot)


@signed_in("recommender")
async def show_file(request: Request) -> Response:
    """Return an attached file."""
    slot = _requested_slot(request)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        file = await view_file(context.actor, context.recommendation.id, slot)
    name = _file_name(request, context, slot, SUFFIXES[file.media_type])
    inline = file.media_type == JPEG
    return _file_response(file.content, file.media_type, content_disposition(name, inline=inline))


@signed_in("recommender")
async def show_page(request: Request) -> Response:
    """Return one page of an attached PDF as an image. Raises NotFound."""
    slot = _requested_slot(request)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        file = await view_file(context.actor, context.recommendation.id, slot)
    if file.media_type != PDF:
        raise NotFound("sites.nomination.recommendations.no_such_file")
    image = await render_page_image(file.content, request.path_params["page"])
    return _file_response(image, "image/png", "inline")


@signed_in("recommender")
async def print_form(request: Request) -> Response:
    """Return the paper form as PDF, with its receipt once submitted."""
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        recommendation = context.recommendation
        sheet = await load_sheet(context.actor, context.body, recommendation)
    pdf = await print_sheet(sheet)
    name = _file_name(request, context, "form", "pdf")
    return _file_response(pdf, PDF, content_disposition(name, inline=True))


@signed_in("recommender")
async def word_form(request: Request) -> Response:
    """Return the form as a Word file, to be corrected on paper."""
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        await record_view(context.actor, context.recommendation.id, "Word file")
    body, form = context.body.name.zh, context.recommendation.form
    content = await asyncio.to_thread(
        write_recommendation_form, form, context.selection.rules, body
    )
    name = _file_name(request, context, "form", "docx")
    return _file_response(content, WORD, content_disposition(name))


def _file_name(request: Request, context: RecommendationContext, what: str, suffix: str) -> str:
    """Return a name of what the file is, of its body and number, without a person's name."""
    reader = language(request)
    texts = load_catalogue("recommendations", reader)
    named = texts["slots"].get(what) or texts["file_names"][what]
    body = getattr(context.body.name, reader)
    return f"{named}-{body}-{context.recommendation.id}.{suffix}"


def _file_response(content: bytes, media_type: str, disposition: str) -> Response:
    headers = {
        **PAGE_HEADERS,
        "content-security-policy": "default-src 'none'; sandbox",
        "content-disposition": disposition,
    }
    return Response(content, 200, headers, media_type=media_type)


def _requested_slot(request: Request) -> Slot:
    for slot in SLOTS:
        if slot == request.path_params["slot"]:
            return slot
    raise NotFound("sites.nomination.recommendations.no_such_file")


ROUTES = [
    Route(f"{RECOMMENDATION}/files/{{slot}}", show_file),
    Route(f"{RECOMMENDATION}/files/{{slot}}/{{page:int}}", show_page),
    Route(f"{RECOMMENDATION}/form.pdf", print_form),
    Route(f"{RECOMMENDATION}/form.docx", word_form),
]
