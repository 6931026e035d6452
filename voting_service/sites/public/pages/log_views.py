"""The page by which anybody checks the public log."""

from __future__ import annotations

from starlette.responses import Response

from voting_service.sites.public.pages.cached_views import SHARED
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.responses import page_response

_SHARED = SHARED.decode()


async def log(context: PageContext) -> Response:
    """Show what the log holds and how to check it. The page's script reads the log's files."""
    page = context.page_cache.log(context.language)
    return page_response(context.request, page, cache_control=_SHARED)
