"""The way to a contest: the home page, the list of all contests, and the page of one that waits."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.awards import shown_result
from voting_service.contests.model import Contest, Language
from voting_service.contests.phases import by_phase, front_contest, is_published
from voting_service.errors import StoreUnavailable
from voting_service.public.pages.answers import language_of_path, page_response
from voting_service.public.pages.page_read import SHARED
from voting_service.public.pages.rendering import render
from voting_service.public.pages.visit import Visit
from voting_service.public.worker import Worker
from voting_service.storage.postgres import acquire
from voting_service.web.languages import language_of
from voting_service.web.prepared import PreparedPage

_SHARED = SHARED.decode()


async def home(request: Request) -> Response:
    """302 to the front contest (contests/phases.py), in the reader's language."""
    language = language_of(request.headers.get("accept-language", "").encode())
    address = await _front_address(request.state.worker, language)
    return RedirectResponse(address, 302, {"vary": "accept-language"})


async def home_in_language(request: Request) -> Response:
    """The same from `/zh` and `/en`."""
    address = await _front_address(request.state.worker, language_of_path(request))
    return RedirectResponse(address, 302)


async def _front_address(worker: Worker, language: Language) -> str:
    now = worker.clock()
    contest = front_contest(worker.contests(), now)
    if contest is None:
        return f"/{language}/contests"
    address = f"/{language}/{contest.slug}"
    if contest.phase(now) == "closed":
        return address + await _outcome(worker, contest, now)
    return address if is_published(contest, now) else f"{address}/coming"


async def _outcome(worker: Worker, contest: Contest, now: datetime) -> str:
    """The page of a closed contest that says how it ended, below its address; empty, its list,
    while nothing is published or the store is unavailable."""
    try:
        async with acquire(worker.read_pool) as connection:
            if await shown_result(connection, contest.id, now) is not None:
                return "/result"
        return "/cut" if await worker.publication(contest) is not None else ""
    except StoreUnavailable:
        return ""


async def contests_page(request: Request) -> Response:
    """Every contest that may be seen, by phase."""
    worker: Worker = request.state.worker
    now = worker.clock()
    body = render(
        "contests.html",
        language=language_of_path(request),
        path="/contests",
        listed=by_phase(worker.contests(), now),
        is_published=partial(is_published, now=now),
        public_url=worker.settings.public_url.rstrip("/"),
    )
    return page_response(request, PreparedPage.of(body), cache_control=_SHARED)


async def coming(visit: Visit) -> Response:
    """Name and dates of a contest under embargo; 302 to its list once that is out."""
    if is_published(visit.contest, visit.now):
        return RedirectResponse(visit.address, 302, {"cache-control": "no-store"})
    page = visit.book.coming(visit.language)
    return page_response(visit.request, page, cache_control="public, max-age=1")


async def without_slash(request: Request) -> Response:
    """302 from an address with a slash at its end to the page. Relative and below a language, so
    that it leads to no other site."""
    below = request.path_params["below"].strip("/")
    language = request.path_params["language"]
    return RedirectResponse(f"/{language}/{below}" if below else f"/{language}", 302)
