"""Create, change, discard and announce a draft. What two people do needs a confirmed identity."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.drafts.model import ContestDraft
from voting_service.contests.drafts.repository import DraftChanged, load_draft
from voting_service.contests.drafts.service import (
    approve_announcement,
    create_draft,
    decline_announcement,
    discard_draft,
    propose_announcement,
    save_section,
)
from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.sites.console.drafts.fields import SECTIONS, read_section
from voting_service.sites.console.drafts.views import (
    DRAFT,
    PREFIX,
    draft_from_path,
    new_form,
    section_form,
    section_from_path,
)
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import DECIDERS


def to_draft(draft_id: int, done: str, below: str = "") -> Response:
    """Redirect to a page of a draft, with the message `done`."""
    return RedirectResponse(f"{PREFIX}/{draft_id}{below}?done={done}", 303)


async def draft_as_read(request: Request, connection: AnyConnection, revision: str) -> ContestDraft:
    """Return the draft in the address. Raises DraftChanged when it is no longer the revision
    that the form was made from."""
    draft = await draft_from_path(request, connection)
    if str(draft.revision) != revision:
        raise DraftChanged("contests.drafts.changed_since")
    return draft


@signed_in(*DECIDERS)
async def create(request: Request) -> Response:
    """Make a new draft."""
    form = await read_form(request)
    try:
        async with get_state(request).connection() as connection:
            draft_id = await create_draft(
                current_actor(request, connection), read_section(form, "names")
            )
    except InvalidInput as error:
        return new_form(request, form, error)
    return to_draft(draft_id, "created")


@signed_in(*DECIDERS)
async def save(request: Request) -> Response:
    """Save a step, and lead to the next one."""
    section = section_from_path(request)
    async with get_state(request).connection() as connection:
        await draft_from_path(request, connection)
    form = await read_form(request)
    try:
        async with get_state(request).connection() as connection:
            draft = await draft_as_read(request, connection, form.pop("revision", ""))
            await save_section(
                current_actor(request, connection), draft, read_section(form, section)
            )
    except (InvalidInput, DraftChanged) as error:
        return await section_form(request, form, error)
    names = list(SECTIONS)
    following = names[(names.index(section) + 1) % len(names)]
    if form.get("next") == "yes" and following != names[0]:
        return to_draft(draft.id, "saved", f"/steps/{following}")
    return to_draft(draft.id, "saved")


@signed_in(*DECIDERS)
async def discard(request: Request) -> Response:
    """Remove a draft for good, when its address was typed to confirm it."""
    async with get_state(request).connection() as connection:
        await draft_from_path(request, connection)
        form = await read_form(request)
        draft = await draft_as_read(request, connection, form.get("revision", ""))
        if form.get("confirm", "").strip() != draft.slug:
            raise InvalidInput(
                Fault("confirm", "sites.console.drafts.discard_not_confirmed", slug=draft.slug)
            )
        await discard_draft(current_actor(request, connection), draft)
    return RedirectResponse(f"{PREFIX}?done=discarded", 303)


@signed_in(*DECIDERS, step_up=True)
async def announce(request: Request) -> Response:
    """Propose to announce the draft as it is."""
    async with get_state(request).connection() as connection:
        await draft_from_path(request, connection)
        form = await read_form(request)
        draft = await draft_as_read(request, connection, form.get("revision", ""))
        await propose_announcement(current_actor(request, connection), draft)
    return to_draft(draft.id, "proposed")


@signed_in(*DECIDERS, step_up=True)
async def approve(request: Request) -> Response:
    """Approve the announcement, which creates the contest at once."""
    state = get_state(request)
    async with state.connection() as connection:
        await draft_from_path(request, connection)
        await read_form(request)
        slug = await approve_announcement(
            current_actor(request, connection),
            request.path_params["draft"],
            request.path_params["approval"],
            state.settings.master_key.get_secret_value(),
        )
    return RedirectResponse(f"{PREFIX}?done=announced&slug={slug}", 303)


@signed_in(*DECIDERS)
async def reject(request: Request) -> Response:
    """Decline an announcement, or withdraw one's own."""
    async with get_state(request).connection() as connection:
        draft = await load_draft(connection, request.path_params["draft"])
        form = await read_form(request)
        await decline_announcement(
            current_actor(request, connection),
            draft.id,
            request.path_params["approval"],
            form.get("because", ""),
        )
    return to_draft(draft.id, "declined")


ROUTES = [
    Route(f"{PREFIX}/new", create, methods=["POST"]),
    Route(f"{DRAFT}/steps/{{section}}", save, methods=["POST"]),
    Route(f"{DRAFT}/discard", discard, methods=["POST"]),
    Route(f"{DRAFT}/announce", announce, methods=["POST"]),
    Route(f"{DRAFT}/approvals/{{approval:int}}/approve", approve, methods=["POST"]),
    Route(f"{DRAFT}/approvals/{{approval:int}}/decline", reject, methods=["POST"]),
]
