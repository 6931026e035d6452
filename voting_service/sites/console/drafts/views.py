"""Pages of drafts: the list, a draft with its steps, and the form of a step."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.drafts.model import ContestDraft
from voting_service.contests.drafts.repository import (
    DraftChanged,
    load_draft,
    load_draft_logo,
    load_draft_pictures,
    load_drafts,
    load_slugs_taken,
)
from voting_service.contests.drafts.service import examine_draft
from voting_service.errors import InvalidInput, NotFound, VotingError
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.sites.console.drafts.fields import SECTIONS, ZONES, show_section
from voting_service.sites.console.drafts.presentation import input_faults, steps
from voting_service.sites.console.organisers import count_rows, without_gaps
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.model import Role
from voting_service.staff.approvals.model import DECIDERS, ApprovalRequest
from voting_service.staff.approvals.repository import load_approvals

PREFIX = "/drafts"
DRAFT = PREFIX + "/{draft:int}"
READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")


def drafts_texts(request: Request) -> Any:
    """Return the texts of these pages in the reader's language."""
    return get_state(request).theme.texts(language(request))["drafts"]


async def draft_from_path(request: Request, connection: AnyConnection) -> ContestDraft:
    """Return the draft named in the address. Raises NotFound."""
    return await load_draft(connection, request.path_params["draft"])


def waiting_request(requests: tuple[ApprovalRequest, ...]) -> ApprovalRequest | None:
    """Return the newest announcement that waits for its approval."""
    return next((r for r in reversed(requests) if r.state == "waiting"), None)


@signed_in(*READERS)
async def drafts_page(request: Request) -> Response:
    """List the drafts with what they still need."""
    rows = []
    state, slug = get_state(request), request.query_params.get("slug")
    async with state.connection() as connection:
        announced = slug if slug in await load_slugs_taken(connection) else None
        actor = current_actor(request, connection)
        for draft in await load_drafts(connection):
            checked = await examine_draft(actor, draft)
            waiting = waiting_request(await load_approvals(connection, "draft", draft.id))
            rows.append({"draft": draft, "faults": len(checked.faults), "waiting": waiting})
    return page(
        request,
        "drafts/drafts.html",
        rows=rows,
        announced=announced,
        public_url=state.settings.public_url,
        may_edit=_may_edit(request),
    )


@signed_in(*READERS)
async def draft_page(request: Request) -> Response:
    """Show a draft: its steps, what is missing, and the announcement."""
    async with get_state(request).connection() as connection:
        draft = await draft_from_path(request, connection)
        checked = await examine_draft(current_actor(request, connection), draft)
        pictures = await load_draft_pictures(connection, draft.id)
        logo = await load_draft_logo(connection, draft.id)
        waiting = waiting_request(await load_approvals(connection, "draft", draft.id))
    reader = language(request)
    portraits = {named.number for named in pictures if named.place == 0}
    return page(
        request,
        "drafts/draft.html",
        draft=draft,
        steps=steps(draft, checked, drafts_texts(request), reader),
        faults=len(checked.faults),
        logo=logo,
        candidates=len(draft.entries),
        portraits=len(portraits),
        without=[person.number for person in draft.people if person.number not in portraits],
        waiting=waiting,
        is_stale=waiting is not None and waiting.payload["revision"] != draft.revision,
        may_edit=_may_edit(request),
    )


def _may_edit(request: Request) -> bool:
    return current_user(request).account.role in DECIDERS


@signed_in(*DECIDERS)
async def new_page(request: Request) -> Response:
    """Ask for title, address and time zone of a new contest."""
    return new_form(request, {"time_zone": ZONES[0]})


def new_form(
    request: Request, filled: dict[str, str], error: VotingError | None = None
) -> Response:
    """Return that form as it was filled in, with what was wrong."""
    return _form(request, "names", filled, error, draft=None)


@signed_in(*DECIDERS)
async def section_page(request: Request) -> Response:
    """Show the form of a step."""
    section = section_from_path(request)
    async with get_state(request).connection() as connection:
        draft = await draft_from_path(request, connection)
    return _form(request, section, show_section(draft.content, section), None, draft=draft)


async def section_form(request: Request, filled: dict[str, str], error: VotingError) -> Response:
    """Return the form of a step as it was filled in, with what was wrong, and with what a colleague
    saved since."""
    section = section_from_path(request)
    async with get_state(request).connection() as connection:
        draft = await draft_from_path(request, connection)
    return _form(request, section, without_gaps(filled), error, draft=draft)


def section_from_path(request: Request) -> str:
    """Return the step named in the address. Raises NotFound."""
    section: str = request.path_params["section"]
    if section not in SECTIONS:
        raise NotFound("sites.console.drafts.no_such_step")
    return section


def _form(
    request: Request,
    section: str,
    filled: dict[str, str],
    error: VotingError | None,
    *,
    draft: ContestDraft | None,
) -> Response:
    is_changed = isinstance(error, DraftChanged)
    return page(
        request,
        "drafts/section.html",
        status=200 if error is None else 409 if is_changed else 422,
        section=section,
        fields=SECTIONS[section],
        filled=filled,
        organiser_rows=count_rows(filled),
        faults=input_faults(error, drafts_texts(request), language(request)),
        draft=draft,
        stored=show_section(draft.content, section) if draft and is_changed else {},
        changed=is_changed,
        whole=str(error) if error and not isinstance(error, InvalidInput | DraftChanged) else "",
        zones=ZONES,
    )


ROUTES = [
    Route(PREFIX, drafts_page),
    Route(f"{PREFIX}/new", new_page),
    Route(DRAFT, draft_page),
    Route(f"{DRAFT}/steps/{{section}}", section_page),
]
