"""The posts of the draw and of what waits: propose, approve, decline."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.i18n.text import Text
from voting_service.nomination.model import REVIEWERS
from voting_service.nomination.shortlist.contest_publication import propose_contest_publication
from voting_service.nomination.shortlist.service import (
    approve_proposal,
    decline_proposal,
    propose_seed,
    propose_source,
)
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.shortlist.context import (
    SHORTLIST,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.form_times import local_moment
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import redirect_done
from voting_service.sites.shared.signed_in.state import get_state

LONG_SECONDS = 60.0
"""Statement timeout while a contest is checked or created."""


@signed_in(*REVIEWERS)
async def name_source(request: Request) -> Response:
    """Propose the source of the draw."""
    form = await read_form(request)
    source = Text(form.get("source_zh", "").strip(), form.get("source_en", "").strip())
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        known_at = local_moment(form.get("known_at", ""), "known_at", actor.selection.zone)
        await propose_source(actor, source, known_at)
    return redirect_done(request, SHORTLIST, "proposed")


@signed_in(*REVIEWERS)
async def enter_seed(request: Request) -> Response:
    """Propose the digits that the source gave."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        await propose_seed(await selection_actor(request, connection), form.get("drawn", ""))
    return redirect_done(request, SHORTLIST, "proposed")


@signed_in(*REVIEWERS)
async def publish_to_contest(request: Request) -> Response:
    """Propose the contest with everything that becomes public."""
    form = await read_form(request)
    async with get_state(request).long_connection(LONG_SECONDS) as connection:
        actor = await selection_actor(request, connection)
        await propose_contest_publication(actor, form.get("settings", ""))
    return redirect_done(request, SHORTLIST, "proposed")


@signed_in(*REVIEWERS, step_up=True)
async def approve(request: Request) -> Response:
    """Approve a proposal; its consequences take effect at once."""
    await read_form(request)
    state = get_state(request)
    async with state.long_connection(LONG_SECONDS) as connection:
        proposal = await approve_proposal(
            await selection_actor(request, connection),
            request.path_params["approval"],
            state.settings.master_key.get_secret_value(),
        )
    is_published = proposal.kind == "contest_publication"
    return redirect_done(request, SHORTLIST, "contest_created" if is_published else "approved")


@signed_in(*REVIEWERS)
async def decline(request: Request) -> Response:
    """Decline a proposal, or withdraw one's own."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        await decline_proposal(actor, request.path_params["approval"], form.get("because", ""))
    return redirect_done(request, SHORTLIST, "declined")


ROUTES = [
    Route(f"{SHORTLIST}/source", name_source, methods=["POST"]),
    Route(f"{SHORTLIST}/seed", enter_seed, methods=["POST"]),
    Route(f"{SHORTLIST}/publish-to-contest", publish_to_contest, methods=["POST"]),
    Route(f"{SHORTLIST}/approvals/{{approval:int}}/approve", approve, methods=["POST"]),
    Route(f"{SHORTLIST}/approvals/{{approval:int}}/decline", decline, methods=["POST"]),
]
