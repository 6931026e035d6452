"""The pages for reading: the list, a profile, static files."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.errors import NotFound, StoreUnavailable
from voting_service.public.pages.answers import (
    keep_order,
    language_of_path,
    order_variant,
    page_response,
)
from voting_service.public.pages.rendering import STATIC, static_files
from voting_service.public.problems import language_of
from voting_service.public.worker import Worker

_REVALIDATE = "private, no-cache"
_SHARED = "public, max-age=10, stale-while-revalidate=60"
_FOR_EVER = "public, max-age=31536000, immutable"


async def home(request: Request) -> Response:
    """To the contest that opened last, in the reader's language."""
    worker: Worker = request.state.worker
    if not worker.registry.loaded:
        raise StoreUnavailable("the service is starting")
    if not worker.desks:
        raise NotFound("there is no contest yet")
    newest = max(worker.desks.values(), key=lambda desk: desk.contest.opens_at).contest
    language = language_of(request.headers.get("accept-language", "").encode())
    return RedirectResponse(f"/{language}/{newest.slug}", 302, {"vary": "accept-language"})


async def candidates(request: Request) -> Response:
    """All candidates, in this visitor's order."""
    worker: Worker = request.state.worker
    language = language_of_path(request)
    book = worker.desk(request.path_params["slug"]).book(worker.clock())
    variant, is_new = order_variant(request)
    response = page_response(request, book.candidates(language, variant), cache_control=_REVALIDATE)
    if is_new:
        keep_order(response, variant)
    return response


async def profile(request: Request) -> Response:
    """One candidate."""
    worker: Worker = request.state.worker
    language = language_of_path(request)
    book = worker.desk(request.path_params["slug"]).book(worker.clock())
    page = book.profile(language, request.path_params["number"])
    return page_response(request, page, cache_control=_SHARED)


async def static_file(request: Request) -> Response:
    """A file of the pages under its hashed name."""
    wanted = STATIC + request.path_params["name"]
    for file in static_files().values():
        if file.url == wanted:
            headers = {"cache-control": _FOR_EVER, "x-content-type-options": "nosniff"}
            return Response(file.prepared.body, 200, headers, media_type=file.media_type)
    raise NotFound("there is no file of this name")
