"""The experts of the panel, and their invitations."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.nomination.panel.repository import load_panel
from voting_service.nomination.panel.service import NewExpert, invite_expert
from voting_service.nomination.repository import load_bodies
from voting_service.sites.nomination.context import requested_selection
from voting_service.sites.nomination.panel.context import candidate_names
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.invitations import INVITATION_HOURS
from voting_service.staff.accounts.model import STAFF
from voting_service.staff.messages.senders import open_channels

EXPERTS = "/selections/{slug}/experts"


@signed_in(*STAFF)
async def experts(request: Request) -> Response:
    """Every expert with employer, recommending body and conflicts of interest."""
    state = get_state(request)
    async with state.connection() as connection:
        selection = await requested_selection(request, connection)
        panel = await load_panel(connection, selection, state.clock())
        bodies = await load_bodies(connection)
    return page(
        request,
        "panel/experts.html",
        selection=selection,
        panel=panel,
        bodies=bodies,
        body_names={body.id: body.name for body in bodies},
        names=candidate_names(panel),
        may_invite=current_user(request).account.role == "administrator",
    )


@signed_in("administrator", step_up=True)
async def invite(request: Request) -> Response:
    """Create an invitation link and show it once."""
    form = await read_form(request)
    expert = NewExpert(form.get("employer", ""), form.get("body", ""), form.get("note", ""))
    state = get_state(request)
    async with state.connection() as connection:
        selection = await requested_selection(request, connection)
        token = await invite_expert(current_actor(request, connection), selection, expert)
    link = f"{state.settings.staff_url}/invitation/{token}"
    return page(
        request,
        "panel/expert_invited.html",
        status=201,
        selection=selection,
        link=link,
        hours=INVITATION_HOURS,
        channels=open_channels(state.settings),
    )


ROUTES = [Route(EXPERTS, experts), Route(EXPERTS, invite, methods=["POST"])]
