"""`/{language}/{slug}/share/{number}-{digest}.jpeg`: the picture that messengers show of a link."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.shared.security_headers import SECURITY_HEADERS

_HEADERS = {
    **SECURITY_HEADERS,
    "cache-control": "public, max-age=31536000, immutable",
    "cross-origin-resource-policy": "cross-origin",
}


async def share_picture(context: PageContext) -> Response:
    """Return the picture of a candidate's page, of the contest for number 0. An address from before
    a correction redirects to the picture of today. Raises NotFound or Unavailable."""
    number: int = context.request.path_params["number"]
    card, portrait = context.page_cache.picture_text(context.language, number)
    current = context.page_cache.share_picture(context.language, number).url
    if context.request.url.path != current:
        return RedirectResponse(current, 302, {"cache-control": "public, max-age=60"})
    content = await context.state.share_pictures.read(card, portrait)
    return Response(content, 200, _HEADERS, media_type="image/jpeg")
