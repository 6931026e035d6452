"""`/embed/{slug}/frame`: what the script shows, as a page of its own for a platform's iframe.

Only the registered origins of the platform it names may frame it, and only they are talked to.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Language, Platform
from voting_service.errors import NotFound
from voting_service.public.embed.rendering import environment
from voting_service.public.worker import Worker
from voting_service.web.languages import LANGUAGES

VIEWS = ("list", "candidate", "standings")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors "
)


async def frame(request: Request) -> Response:
    """200 for a platform's pages. Raises NotFound for a contest, a platform or a view that there
    is not; a platform without registered origins has no page to be framed in."""
    worker: Worker = request.state.worker
    contest = worker.desk(request.path_params["slug"]).contest
    asked = request.query_params
    platform = _platform(worker, asked.get("platform", ""))
    view = asked.get("view", "list")
    number = asked.get("number", "") if view == "candidate" else None
    if view not in VIEWS or not (number is None or number in map(str, contest.numbers)):
        raise NotFound("there is nothing of this kind to show")
    language: Language = next((each for each in LANGUAGES if each == asked.get("language")), "zh")
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


def _platform(worker: Worker, slug: str) -> Platform:
    platform = worker.registry.platforms.get(slug)
    if platform is None or not platform.enabled or not platform.origins:
        raise NotFound("no platform of this name has registered an origin")
    return platform
