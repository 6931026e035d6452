"""`/embed/{slug}/frame`: the embed as a page for a platform's iframe.

Only the registered origins of the named platform may frame it and exchange messages with it.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Platform
from voting_service.errors import NotFound
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.public.embed.rendering import environment
from voting_service.sites.public.state import PublicState

VIEWS = ("list", "candidate", "standings")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors "
)


async def frame(request: Request) -> Response:
    """Return the page. Raises NotFound for an unknown contest, platform or view, and for a platform
    without registered origins."""
    state: PublicState = request.state.app_state
    contest = state.contest_state(request.path_params["slug"]).contest
    query = request.query_params
    platform = _platform(state, query.get("platform", ""))
    view = query.get("view", "list")
    number = query.get("number", "") if view == "candidate" else None
    if view not in VIEWS or not (number is None or number in map(str, contest.numbers)):
        raise NotFound("sites.public.embed.no_such_view")
    language: Language = next((code for code in LANGUAGES if code == query.get("language")), "zh")
    body = (
        environment()
        .get_template("frame.html")
        .render(
            contest=contest,
            platform=platform,
            view=view,
            number=number,
            language=language,
        )
    )
    headers = {
        "content-security-policy": _POLICY + " ".join(platform.origins),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cache-control": "public, max-age=60",
    }
    return Response(body, 200, headers, media_type="text/html")


def _platform(state: PublicState, slug: str) -> Platform:
    platform = state.registry.platforms.get(slug)
    if platform is None or not platform.enabled or not platform.origins:
        raise NotFound("sites.public.embed.no_platform_with_origin")
    return platform
