"""Where everybody of the office begins: the selections, and what each is about now."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.desk.access import signed_in, visitor
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.office.asked import selection_of
from voting_service.office.model import READERS
from voting_service.office.store import load_selections


@signed_in()
async def selections(request: Request) -> Response:
    """Every selection, the newest first; the only one at once."""
    desk = desk_of(request)
    async with desk.connection() as connection:
        found = await load_selections(connection)
    if len(found) == 1:
        return RedirectResponse(f"/selections/{found[0].slug}", 303)
    return page(request, "office/selections.html", selections=found, now=desk.clock())


@signed_in()
async def selection(request: Request) -> Response:
    """Leads to where the visitor's work is."""
    async with desk_of(request).connection() as connection:
        found = await selection_of(request, connection)
    role = visitor(request).account.role
    if role == "recommender":
        return RedirectResponse(f"/selections/{found.slug}/recommendations", 303)
    if role == "expert":
        return RedirectResponse(f"/selections/{found.slug}/panel", 303)
    if role in READERS:
        return RedirectResponse(f"/selections/{found.slug}/review", 303)
    return RedirectResponse("/bodies", 303)


ROUTES = [Route("/selections", selections), Route("/selections/{slug}", selection)]
