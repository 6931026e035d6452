"""The first page after sign-in: the selections, and for each role the page where its work is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.nomination.model import READERS
from voting_service.nomination.repository import load_selections
from voting_service.sites.nomination.context import requested_selection
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state


@signed_in()
async def list_selections(request: Request) -> Response:
    """Show every selection, newest first; redirect where there is only one."""
    state = get_state(request)
    async with state.connection() as connection:
        selections = await load_selections(connection)
    if len(selections) == 1:
        return RedirectResponse(f"/selections/{selections[0].slug}", 303)
    return page(request, "nomination/selections.html", selections=selections, now=state.clock())


@signed_in()
async def open_selection(request: Request) -> Response:
    """Redirect to the page where the role's work is."""
    async with get_state(request).connection() as connection:
        selection = await requested_selection(request, connection)
    role = current_user(request).account.role
    if role == "recommender":
        return RedirectResponse(f"/selections/{selection.slug}/recommendations", 303)
    if role == "expert":
        return RedirectResponse(f"/selections/{selection.slug}/panel", 303)
    if role in READERS:
        return RedirectResponse(f"/selections/{selection.slug}/review", 303)
    return RedirectResponse("/bodies", 303)


ROUTES = [Route("/selections", list_selections), Route("/selections/{slug}", open_selection)]
