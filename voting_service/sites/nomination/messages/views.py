"""The wording of a selection's messages, with a preview."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import InvalidInput
from voting_service.i18n.text import LANGUAGES, Text
from voting_service.nomination.model import READERS, REVIEWERS
from voting_service.nomination.officer_messages import change_wording, check_wording
from voting_service.sites.nomination.context import requested_selection, selection_actor
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.messages.model import (
    MAX_SUBJECT_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    PLACEHOLDERS,
    WORDED,
    Wording,
    default_wording,
    render,
    sample_params,
)
from voting_service.staff.messages.service import load_wordings
from voting_service.staff.messages.wordings import worded_kind

WORDINGS = "/selections/{slug}/messages"


@signed_in(*READERS)
async def list_wordings(request: Request) -> Response:
    """Show every kind of message in its wording."""
    async with get_state(request).connection() as connection:
        selection = await requested_selection(request, connection)
        own = await load_wordings(connection, selection.id)
    return page(
        request,
        "wordings/wordings.html",
        selection=selection,
        wordings={kind: own.get(kind) or default_wording(kind) for kind in WORDED},
        own=own,
        may_edit=current_user(request).account.role in REVIEWERS,
    )


@signed_in(*REVIEWERS)
async def edit_wording(request: Request) -> Response:
    """Show the form of one kind."""
    kind = worded_kind(request.path_params["kind"])
    async with get_state(request).connection() as connection:
        selection = await requested_selection(request, connection)
        own = (await load_wordings(connection, selection.id)).get(kind)
    return await _form(request, own or default_wording(kind), is_own=own is not None)


@signed_in(*REVIEWERS)
async def save_wording(request: Request) -> Response:
    """Store a wording, go back to the standard one, or show a preview of what was typed."""
    form = await read_form(request)
    kind = worded_kind(request.path_params["kind"])
    action = form.get("do", "save")
    wording = Wording(_typed(form, "subject"), _typed(form, "text"))
    try:
        if action == "preview":
            check_wording(kind, wording)
            return await _form(request, wording)
        async with get_state(request).connection() as connection:
            actor = await selection_actor(request, connection)
            await change_wording(actor, kind, None if action == "reset" else wording)
    except InvalidInput as error:
        return await _form(request, wording, error=error)
    slug = request.path_params["slug"]
    return RedirectResponse(f"{WORDINGS.replace('{slug}', slug)}/{kind}?done=saved", 303)


def _typed(form: dict[str, str], name: str) -> Text:
    return Text(*(form.get(f"{name}_{reader}", "").strip() for reader in LANGUAGES))


async def _form(
    request: Request,
    wording: Wording,
    *,
    is_own: bool = False,
    error: InvalidInput | None = None,
) -> Response:
    kind = worded_kind(request.path_params["kind"])
    state = get_state(request)
    async with state.connection() as connection:
        selection = await requested_selection(request, connection)
    faults: dict[str, list[str]] = {}
    for fault in error.faults if error is not None else ():
        faults.setdefault(fault.field, []).append(fault.text(language(request)))
    link = f"{state.settings.staff_url}/"
    previews = {
        reader: render(wording, sample_params(kind), link, reader)
        for reader in LANGUAGES
        if not faults
    }
    return page(
        request,
        "wordings/wording.html",
        status=422 if faults else 200,
        selection=selection,
        kind=kind,
        wording=wording,
        is_own=is_own,
        faults=faults,
        previews=previews,
        placeholders=[f"{{{name}}}" for name in PLACEHOLDERS[kind]],
        limits={"subject": MAX_SUBJECT_CHARACTERS, "text": MAX_TEXT_CHARACTERS},
    )


ROUTES = [
    Route(WORDINGS, list_wordings),
    Route(f"{WORDINGS}/{{kind}}", edit_wording),
    Route(f"{WORDINGS}/{{kind}}", save_wording, methods=["POST"]),
]
