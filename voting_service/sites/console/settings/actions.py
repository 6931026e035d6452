"""Change settings: one person before the rules are announced, two afterwards.

Every action needs a recently confirmed identity. A refused form is shown again as it was filled
in.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.repository import load_contest
from voting_service.contests.settings.service import approve_change, change_setting, decline_change
from voting_service.errors import (
    InvalidInput,
    Refused,
)
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.declining import decline_from_form
from voting_service.sites.console.settings.forms import reason_from, value_from
from voting_service.sites.console.settings.views import (
    PREFIX,
    setting_form,
    setting_from_path,
)
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import DECIDERS


@signed_in(*DECIDERS, step_up=True)
async def change(request: Request) -> Response:
    """Change a setting, or propose the change."""
    form = await read_form(request)
    state, setting = get_state(request), setting_from_path(request)
    try:
        async with state.connection() as connection:
            contest = await load_contest(connection, contest_from_path(request).slug)
            proposed = await change_setting(
                current_actor(request, connection),
                contest,
                setting,
                value_from(form, setting, contest),
                reason=reason_from(form),
            )
    except (Refused, InvalidInput) as error:
        return await setting_form(request, form, error)
    return redirect_done(request, PREFIX, "changed" if proposed is None else "proposed")


@signed_in(*DECIDERS, step_up=True)
async def approve(request: Request) -> Response:
    """Approve a change, which takes effect at once."""
    await read_form(request)
    state = get_state(request)
    async with state.connection() as connection:
        await approve_change(
            current_actor(request, connection),
            contest_from_path(request).slug,
            request.path_params["approval"],
        )
    return redirect_done(request, PREFIX, "approved")


@signed_in(*DECIDERS)
async def reject(request: Request) -> Response:
    """Decline a change, or withdraw one's own."""
    await decline_from_form(request, decline_change)
    return redirect_done(request, PREFIX, "declined")


ROUTES = [
    Route(f"{PREFIX}/change/{{setting}}", change, methods=["POST"]),
    Route(f"{PREFIX}/approvals/{{approval:int}}/approve", approve, methods=["POST"]),
    Route(f"{PREFIX}/approvals/{{approval:int}}/decline", reject, methods=["POST"]),
]
