"""The two posts of a page on which proposals wait: a second person approves, or gives a reason
against it. What is refused is shown on that page (sites/shared/signed_in/refused_forms.py)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import REVIEWERS
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import redirect_done
from voting_service.sites.shared.signed_in.state import get_state

Approve = Callable[[SelectionActor, int], Awaitable[object]]
Reject = Callable[[SelectionActor, int, str], Awaitable[object]]


def approval_routes(page: str, approve: Approve, reject: Reject) -> list[Route]:
    """Return the routes by which reviewers decide on the proposals of the page at this address."""

    @signed_in(*REVIEWERS, step_up=True)
    async def post_approval(request: Request) -> Response:
        await read_form(request)
        async with get_state(request).connection() as connection:
            actor = await selection_actor(request, connection)
            await approve(actor, request.path_params["approval"])
        return redirect_done(request, page, "approved")

    @signed_in(*REVIEWERS)
    async def post_rejection(request: Request) -> Response:
        fields = await read_form(request)
        async with get_state(request).connection() as connection:
            actor = await selection_actor(request, connection)
            await reject(actor, request.path_params["approval"], fields.get("because", ""))
        return redirect_done(request, page, "declined")

    return [
        Route(f"{page}/{{approval:int}}/approve", post_approval, methods=["POST"]),
        Route(f"{page}/{{approval:int}}/decline", post_rejection, methods=["POST"]),
    ]
