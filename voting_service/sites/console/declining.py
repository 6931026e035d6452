"""Decline an approval request of a contest, from the form beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from voting_service.contests.model import Contest
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.shared.signed_in.access import current_actor
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import ApprovalRequest

Decline = Callable[[Actor, Contest, int, str], Awaitable[ApprovalRequest]]
"""A service that declines a request, by its id, with a reason."""


async def decline_from_form(request: Request, decline: Decline) -> None:
    """Decline the request in the path for the reason in the form. Raises as `decline`."""
    form = await read_form(request)
    contest, approval = contest_from_path(request), request.path_params["approval"]
    async with get_state(request).connection() as connection:
        actor = current_actor(request, connection)
        await decline(actor, contest, approval, form.get("because", ""))
