"""The logo of a draft: a page with the upload, which is an optional step."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.drafts.repository import DraftChanged, load_draft_logo
from voting_service.contests.drafts.service import change_logo
from voting_service.errors import InvalidInput, VotingError
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.images.uploads import encode_upload
from voting_service.sites.console.drafts.actions import draft_as_read, to_draft
from voting_service.sites.console.drafts.views import DRAFT, READERS, draft_from_path
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import PICTURE_TYPES, encoding_turn, read_upload
from voting_service.staff.approvals.model import DECIDERS

LOGO = f"{DRAFT}/logo"


@signed_in(*READERS)
async def logo_page(request: Request) -> Response:
    """Show the logo and the upload."""
    return await _page(request)


async def _page(request: Request, error: VotingError | None = None) -> Response:
    async with get_state(request).connection() as connection:
        draft = await draft_from_path(request, connection)
        logo = await load_draft_logo(connection, draft.id)
    reader = language(request)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    texts = [fault.text(reader) for fault in faults] or ([error.text(reader)] if error else [])
    return page(
        request,
        "drafts/logo.html",
        status=200 if error is None else 409 if isinstance(error, DraftChanged) else 422,
        draft=draft,
        logo=logo,
        faults=texts,
        picture_types=PICTURE_TYPES,
        may_edit=current_user(request).account.role in DECIDERS,
    )


@signed_in(*DECIDERS)
@limiter.limit(rate("upload"))
async def change(request: Request) -> Response:
    """Set the logo, or remove it."""
    async with get_state(request).connection() as connection:
        await draft_from_path(request, connection)
    posted = await read_upload(request)
    encoded: EncodedPicture | None = None
    try:
        if not posted.field("remove"):
            upload = posted.file("logo")
            async with encoding_turn():
                encoded = await encode_upload(upload.content, upload.name, "logo", field="logo")
        async with get_state(request).connection() as connection:
            draft = await draft_as_read(request, connection, posted.field("revision"))
            await change_logo(current_actor(request, connection), draft, encoded)
    except (InvalidInput, DraftChanged) as error:
        return await _page(request, error)
    return to_draft(draft.id, "saved", "/logo")


ROUTES = [Route(LOGO, logo_page), Route(LOGO, change, methods=["POST"])]
