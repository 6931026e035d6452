"""Files that were attached, opened for the officers of the body: pictures shown, the rest given
as a file and never opened by our pages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.desk.access import signed_in
from voting_service.desk.rendering import PAGE_HEADERS
from voting_service.desk.state import desk_of
from voting_service.errors import NotFound
from voting_service.journal.record import record
from voting_service.office.model import Slot
from voting_service.office.printing.recommendation_form import (
    RecommendationSheet,
    SubmissionReceipt,
    recommendation_form,
)
from voting_service.office.recommendations.asked import ONE, Asked, asked_of, record_look
from voting_service.office.recommendations.examined import JPEG, PDF, WORD
from voting_service.office.recommendations.model import Submission, subject_of
from voting_service.office.recommendations.reading import load_file, load_submissions
from voting_service.typesetting.compile import in_background

SLOTS: tuple[Slot, ...] = get_args(Slot)
SUFFIXES: Mapping[str, str] = {JPEG: "jpg", PDF: "pdf", WORD: "docx"}


@signed_in("recommender")
async def attached(request: Request) -> Response:
    """A file of the officer's own body."""
    slot = _slot(request)
    async with desk_of(request).connection() as connection:
        asked = await asked_of(request, connection)
        file = await load_file(connection, asked.keys, asked.recommendation.id, slot)
        await record_look(connection, asked, slot)
    shown = "inline" if file.media_type == JPEG else "attachment"
    name = f"{slot}-{asked.recommendation.id}.{SUFFIXES[file.media_type]}"
    return _file(file.content, file.media_type, f'{shown}; filename="{name}"')


@signed_in("recommender")
async def printed(request: Request) -> Response:
    """The paper form as PDF; with its receipt while it is handed in. Raises MissingGlyphs."""
    async with desk_of(request).connection() as connection:
        asked = await asked_of(request, connection)
        found = asked.recommendation
        submissions = await load_submissions(connection, asked.keys, asked.selection, found)
        photo = (
            await load_file(connection, asked.keys, found.id, "photo")
            if "photo" in found.files
            else None
        )
        await record(
            connection, asked.account.name, "exported", contest=asked.selection.slug,
            subject=subject_of(found.id), details={"what": "printed form"},
        )  # fmt: skip
    sheet = RecommendationSheet(
        selection=asked.selection.title.zh,
        form=found.form if found.is_editable else submissions[-1].form,
        body=asked.body.name.zh,
        photo=photo.content if photo else None,
        receipt=None if found.is_editable else _receipt(asked, submissions[-1]),
    )
    pdf = await in_background(partial(recommendation_form, sheet))
    return _file(pdf, PDF, f'inline; filename="form-{found.id}.pdf"')


def _receipt(asked: Asked, last: Submission) -> SubmissionReceipt:
    return SubmissionReceipt(
        number=last.number(asked.selection.slug),
        received_at=last.submitted_at,
        sha256=last.form_sha256.hex(),
    )


def _file(content: bytes, media_type: str, disposition: str) -> Response:
    headers = {
        **PAGE_HEADERS,
        "content-security-policy": "default-src 'none'; sandbox",
        "content-disposition": disposition,
    }
    return Response(content, 200, headers, media_type=media_type)


def _slot(request: Request) -> Slot:
    for slot in SLOTS:
        if slot == request.path_params["slot"]:
            return slot
    raise NotFound("there is no such file", zh="没有这个文件。")


ROUTES = [Route(f"{ONE}/files/{{slot}}", attached), Route(f"{ONE}/form.pdf", printed)]
