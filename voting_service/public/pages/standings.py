"""The standings as a page; a small module keeps it moving (static/standings.js)."""

from __future__ import annotations

from starlette.responses import Response

from voting_service.public.pages.answers import page_response
from voting_service.public.pages.visit import Visit

_REFRESHED = "public, max-age=1, stale-while-revalidate=5"


async def standings(visit: Visit) -> Response:
    """What the release schedule shows now."""
    shown, tag = visit.desk.board.standings()
    page = visit.book.standings(visit.language, shown, tag)
    return page_response(visit.request, page, cache_control=_REFRESHED)
