"""Photo, evidence and scans: pages as pictures, or the file to take along; never run here."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.desk.access import signed_in, visitor
from voting_service.desk.state import desk_of
from voting_service.errors import NotFound
from voting_service.journal.record import record
from voting_service.office.asked import selection_of
from voting_service.office.model import READERS, Slot
from voting_service.office.recommendations.model import subject_of
from voting_service.office.review.page_pictures import page_picture
from voting_service.office.review.pages import ONE
from voting_service.office.review.reading import SLOTS, KeptFile, load_dossier, load_file
from voting_service.office.sealing import PersonalKeys
from voting_service.web.security_headers import SECURITY_HEADERS

PDF, JPEG = "application/pdf", "image/jpeg"
_SUFFIXES = {
    PDF: "pdf",
    JPEG: "jpg",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}
_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@signed_in(*READERS)
async def page_of_file(request: Request) -> Response:
    """One page, as a picture."""
    number = request.path_params["page"]
    file = await _opened(request, "viewed", page=number)
    if file.media_type == PDF:
        picture = await page_picture(file.content, number)
        return Response(picture, 200, _HEADERS, media_type="image/png")
    if file.media_type == JPEG and number == 1:
        return Response(file.content, 200, _HEADERS, media_type=JPEG)
    raise NotFound("this file has no pages to show; download it", zh="该文件不能显示，请下载。")


@signed_in(*READERS)
async def download(request: Request) -> Response:
    """The file as it was handed in, to be opened elsewhere."""
    file = await _opened(request, "exported")
    number, slot = request.path_params["recommendation"], request.path_params["slot"]
    name = f"recommendation-{number}-{slot.replace('_', '-')}"
    suffix = _SUFFIXES.get(file.media_type, "bin")
    headers = {**_HEADERS, "content-disposition": f'attachment; filename="{name}.{suffix}"'}
    return Response(file.content, 200, headers, media_type=file.media_type)


async def _opened(
    request: Request, act: Literal["viewed", "exported"], page: int | None = None
) -> KeptFile:
    """The file of the path; that it was opened stands in the journal. Raises NotFound."""
    desk = desk_of(request)
    keys = PersonalKeys.of(desk.settings)
    slot: Slot | None = next((s for s in SLOTS if s == request.path_params["slot"]), None)
    if slot is None:
        raise NotFound("there is no such file", zh="没有这个文件。")
    async with desk.connection() as connection, connection.transaction():
        selection = await selection_of(request, connection)
        dossier = await load_dossier(
            connection, keys, selection, request.path_params["recommendation"]
        )
        file = await load_file(connection, keys, dossier.id, slot)
        details = {"what": slot} if page is None else {"what": slot, "page": page}
        await record(
            connection, visitor(request).account.name, act, contest=selection.slug,
            subject=subject_of(dossier.id), details=details,
        )  # fmt: skip
    return file


ROUTES = [
    Route(f"{ONE}/files/{{slot}}/{{page:int}}", page_of_file),
    Route(f"{ONE}/files/{{slot}}/download", download),
]
