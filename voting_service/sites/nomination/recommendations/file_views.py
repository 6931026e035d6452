"""Attached files for the officers of the body (pictures are shown, other files downloaded), and
the form as PDF."""

from __future__ import annotations

from functools import partial
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import NotFound
from voting_service.infrastructure.typesetting.compiler import in_background
from voting_service.nomination.documents.recommendation_form import (
    RecommendationSheet,
    SubmissionReceipt,
    render_recommendation_form,
)
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.file_intake import JPEG, PDF, SUFFIXES
from voting_service.nomination.recommendations.model import Submission
from voting_service.nomination.recommendations.service import export_form, view_file
from voting_service.sites.nomination.recommendations.context import (
    RECOMMENDATION,
    RecommendationContext,
    load_context,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS
from voting_service.sites.shared.signed_in.state import get_state

SLOTS: tuple[Slot, ...] = get_args(Slot)


@signed_in("recommender")
async def show_file(request: Request) -> Response:
    """Return an attached file."""
    slot = _requested_slot(request)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        file = await view_file(context.actor, context.recommendation.id, slot)
    disposition = "inline" if file.media_type == JPEG else "attachment"
    name = f"{slot}-{context.recommendation.id}.{SUFFIXES[file.media_type]}"
    return _file_response(file.content, file.media_type, f'{disposition}; filename="{name}"')


@signed_in("recommender")
async def print_form(request: Request) -> Response:
    """Return the paper form as PDF, with its receipt once submitted. Raises MissingGlyphs."""
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        recommendation = context.recommendation
        photo, submissions = await export_form(context.actor, recommendation)
    is_editable = recommendation.is_editable
    sheet = RecommendationSheet(
        selection=context.selection.title.zh,
        form=recommendation.form if is_editable else submissions[-1].form,
        body=context.body.name.zh,
        photo=photo.content if photo else None,
        receipt=None if is_editable else _receipt(context, submissions[-1]),
    )
    pdf = await in_background(partial(render_recommendation_form, sheet))
    return _file_response(pdf, PDF, f'inline; filename="form-{recommendation.id}.pdf"')


def _receipt(context: RecommendationContext, last: Submission) -> SubmissionReceipt:
    return SubmissionReceipt(
        number=last.number(context.selection.slug),
        received_at=last.submitted_at,
        sha256=last.form_sha256.hex(),
    )


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
    Route(f"{RECOMMENDATION}/form.pdf", print_form),
]
