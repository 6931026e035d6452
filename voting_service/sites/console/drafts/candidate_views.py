"""The candidates of a draft: upload of a list and of pictures, and the Excel template."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.candidate_list.picture_files import (
    PictureFile,
    unpack_pictures,
)
from voting_service.contests.candidate_list.reader import read_candidates
from voting_service.contests.candidate_list.template import write_candidates, write_template
from voting_service.contests.drafts.repository import (
    DraftChanged,
    load_draft_pictures,
    load_logo_file,
    load_picture_file,
)
from voting_service.contests.drafts.service import (
    LoadedPictures,
    prepare_pictures,
    replace_candidates,
    store_pictures,
)
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.sites.console.drafts.actions import draft_as_read, to_draft
from voting_service.sites.console.drafts.presentation import ShownFault, file_faults, list_faults
from voting_service.sites.console.drafts.views import DRAFT, PREFIX, READERS, draft_from_path
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.multipart import Posted
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS, page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import (
    PICTURE_TYPES,
    encoding_turn,
    read_upload,
)
from voting_service.staff.approvals.model import DECIDERS

MAX_PICTURE_FILES = 100
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PICTURE = {
    "cache-control": "private, max-age=3600",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


class UploadResult(msgspec.Struct, frozen=True):
    """What an upload led to: whether everything was refused, and what was wrong, row by row or file
    by file."""

    of: str
    faults: Sequence[ShownFault] = ()
    stored: int = 0


@signed_in(*READERS)
async def candidates_page(request: Request) -> Response:
    """Show the candidates with their portraits, and the two uploads."""
    return await _page(request, None)


async def _page(request: Request, result: UploadResult | None, status: int = 200) -> Response:
    async with get_state(request).connection() as connection:
        draft = await draft_from_path(request, connection)
        pictures = await load_draft_pictures(connection, draft.id)
    portraits = {named.number: named.picture for named in pictures if named.place == 0}
    return page(
        request,
        "drafts/candidates.html",
        status=status,
        draft=draft,
        portraits=portraits,
        more={
            person.number: sum(
                named.number == person.number and named.place > 0 for named in pictures
            )
            for person in draft.people
        },
        missing={
            person.number: person.portrait
            for person in draft.people
            if person.portrait and person.number not in portraits
        },
        result=result,
        picture_types=PICTURE_TYPES,
        may_edit=current_user(request).account.role in DECIDERS,
    )


@signed_in(*DECIDERS)
@limiter.limit(rate("upload"))
async def upload_list(request: Request) -> Response:
    """Replace the candidates by those of a list, if it has no faults."""
    posted = await _read(request)
    try:
        listed = await asyncio.to_thread(read_candidates, posted.file("list").content)
        async with get_state(request).connection() as connection:
            draft = await draft_as_read(request, connection, posted.field("revision"))
            await replace_candidates(current_actor(request, connection), draft, listed)
    except DraftChanged as error:
        return await _page(request, _refused("list", error.text(language(request))), 409)
    except InvalidInput as error:
        result = UploadResult("list", list_faults(error, language(request)))
        return await _page(request, result, 422)
    return to_draft(draft.id, "listed", "/candidates")


@signed_in(*DECIDERS)
@limiter.limit(rate("upload"))
async def upload_pictures(request: Request) -> Response:
    """Add pictures, or those of a ZIP; say which file is nobody's and who has none."""
    posted = await _read(request)
    state, reader = get_state(request), language(request)
    try:
        async with state.connection() as connection:
            draft = await draft_as_read(request, connection, posted.field("revision"))
        async with encoding_turn():
            files = await asyncio.to_thread(_picture_files, posted)
            prepared = await prepare_pictures(draft, files)
        if prepared.encoded:
            async with state.connection() as connection:
                await store_pictures(current_actor(request, connection), draft, prepared)
    except DraftChanged as error:
        return await _page(request, _refused("pictures", error.text(reader)), 409)
    except InvalidInput as error:
        return await _page(request, UploadResult("pictures", list_faults(error, reader)), 422)
    return await _page(request, _stored(prepared, reader), 200 if prepared.encoded else 422)


async def _read(request: Request) -> Posted:
    async with get_state(request).connection() as connection:
        await draft_from_path(request, connection)
    return await read_upload(request, max_files=MAX_PICTURE_FILES)


def _picture_files(posted: Posted) -> list[PictureFile]:
    """Return every file of an upload; its ZIPs share the limits of one."""
    files: list[PictureFile] = []
    for upload in posted.all_files.get("pictures", ()):
        if upload.name.lower().endswith(".zip"):
            files += unpack_pictures(upload.content, files)
        else:
            files.append(PictureFile(upload.name, upload.content))
    if not files:
        raise InvalidInput(Fault("pictures", "sites.shared.signed_in.no_file_chosen"))
    return files


def _refused(of: str, text: str) -> UploadResult:
    return UploadResult(of, [ShownFault("", "", text)])


def _stored(prepared: LoadedPictures, reader: Language) -> UploadResult:
    left = (
        Fault(file.name, f"contests.candidate_list.rejected.{file.why}")
        for file in prepared.rejected
    )
    faults = file_faults([*prepared.refused, *left], reader)
    return UploadResult("pictures", faults, len(prepared.encoded))


@signed_in(*READERS)
async def template(request: Request) -> Response:
    """Return the empty list as an Excel workbook."""
    reader = language(request)
    content = await asyncio.to_thread(write_template, reader)
    what = load_catalogue("drafts", reader)["steps"]["candidates"]
    return _workbook(content, f"{what}.xlsx")


@signed_in(*READERS)
async def current_list(request: Request) -> Response:
    """Return the candidates of the draft as such a workbook, to be changed and uploaded again."""
    async with get_state(request).connection() as connection:
        draft = await draft_from_path(request, connection)
    portraits = {person.number: person.portrait for person in draft.people}
    entries = [{**entry, "portrait": portraits.get(entry["number"], "")} for entry in draft.entries]
    content = await asyncio.to_thread(write_candidates, entries, language(request))
    title = draft.title[language(request)] or draft.slug
    return _workbook(content, f"{title}.xlsx")


def _workbook(content: bytes, name: str) -> Response:
    headers = {**PAGE_HEADERS, "content-disposition": content_disposition(name)}
    return Response(content, 200, headers, media_type=_XLSX)


@signed_in(*READERS)
async def picture(request: Request) -> Response:
    """Return a picture of a draft in one size and format."""
    name, _, format_ = request.path_params["name"].partition(".")
    picture_hash, _, width = name.partition("-")
    if format_ not in {"avif", "webp", "jpeg", "png"} or not (width.isascii() and width.isdigit()):
        raise NotFound("contests.drafts.no_such_picture")
    if len(width) > 4:
        raise NotFound("contests.drafts.no_such_picture")
    async with get_state(request).connection() as connection:
        draft_id = request.path_params["draft"]
        content = (
            await load_logo_file(connection, draft_id, picture_hash)
            if format_ == "png"
            else await load_picture_file(connection, draft_id, (picture_hash, int(width), format_))
        )
    return Response(content, 200, _PICTURE, media_type=f"image/{format_}")


ROUTES = [
    Route(f"{PREFIX}/candidates-template.xlsx", template),
    Route(f"{DRAFT}/candidates", candidates_page),
    Route(f"{DRAFT}/candidates/list", upload_list, methods=["POST"]),
    Route(f"{DRAFT}/candidates/pictures", upload_pictures, methods=["POST"]),
    Route(f"{DRAFT}/candidates.xlsx", current_list),
    Route(f"{DRAFT}/pictures/{{name}}", picture),
]
