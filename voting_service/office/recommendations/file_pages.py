"""Files that were attached, opened for the officers of the body: pictures shown, the rest given
as a file and never opened by our pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.desk.access import signed_in
from voting_service.desk.rendering import PAGE_HEADERS
from voting_service.desk.state import desk_of
from voting_service.errors import NotFound
from voting_service.office.model import Slot
from voting_service.office.recommendations.asked import ONE, asked_of, record_look
from voting_service.office.recommendations.examined import JPEG, PDF, WORD
from voting_service.office.recommendations.store import load_file

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
    headers = {
        **PAGE_HEADERS,
        "content-security-policy": "default-src 'none'; sandbox",
        "content-disposition": f'{shown}; filename="{name}"',
    }
    return Response(file.content, 200, headers, media_type=file.media_type)


def _slot(request: Request) -> Slot:
    for slot in SLOTS:
        if slot == request.path_params["slot"]:
            return slot
    raise NotFound("there is no such file", zh="没有这个文件。")


ROUTES = [Route(f"{ONE}/files/{{slot}}", attached)]
