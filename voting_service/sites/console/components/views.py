"""`/console/components`: every component and colour on one page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import NotFound
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

SURFACES = ("ink", "quiet", "paper", "card", "wash", "line", "red", "band", "gold")
TONES = ("info", "success", "warning", "error")


@signed_in()
async def components(request: Request) -> Response:
    """Show the components. Raises NotFound outside the demo."""
    if get_state(request).settings.data is None:
        raise NotFound("sites.console.components_only_in_demo")
    return page(request, "components/components.html", colours=(*SURFACES, *TONES), kinds=TONES)


ROUTES = [Route("/console/components", components)]
