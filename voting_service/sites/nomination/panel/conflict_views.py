"""An expert's own conflicts of interest: declared, and withdrawn."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.nomination.panel.service import (
    NewConflict,
    declare_conflict,
    withdraw_conflict,
)
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.sites.nomination.panel.context import PANEL, read_number, requested_panel
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.cookies import session_token
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import redirect_done
from voting_service.sites.shared.signed_in.state import get_state


@signed_in("expert")
async def declare(request: Request) -> Response:
    """Declare a conflict of interest."""
    form = await read_form(request)
    number = read_number(form.get("number", ""))
    async with get_state(request).connection() as connection:
        await declare_conflict(
            current_actor(request, connection),
            PersonalKeys.of(get_state(request).settings),
            await requested_panel(request, connection),
            NewConflict(session_token(request), number, form.get("reason", "")),
        )
    return redirect_done(request, f"{PANEL}/candidates/{number}", "declared")


@signed_in("expert")
async def withdraw(request: Request) -> Response:
    """Withdraw a conflict that the expert declared."""
    form = await read_form(request)
    number = read_number(form.get("number", ""))
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        actor = current_actor(request, connection)
        await withdraw_conflict(actor, panel, session_token(request), number)
    return redirect_done(request, f"{PANEL}/candidates/{number}", "withdrawn")


ROUTES = [
    Route(f"{PANEL}/conflicts", declare, methods=["POST"]),
    Route(f"{PANEL}/conflicts/withdraw", withdraw, methods=["POST"]),
]
