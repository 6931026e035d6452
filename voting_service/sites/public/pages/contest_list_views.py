"""The home page, the list of all contests, and the page of a contest under embargo."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.contest_list import find_front_contest, group_by_phase
from voting_service.contests.model import Contest
from voting_service.contests.phases import is_published
from voting_service.errors import StoreUnavailable
from voting_service.i18n.formatting import preferred_language
from voting_service.i18n.text import Language
from voting_service.infrastructure.postgres.pool import acquire
from voting_service.nomination.awards.published_result import shown_result
from voting_service.sites.public.pages.cached_views import SHARED
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.responses import language_of_path, page_response
from voting_service.sites.public.rendering import render
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.prepared_pages import PreparedPage

_SHARED = SHARED.decode()


async def home(request: Request) -> Response:
    """Redirect (302) to the front contest (contests/contest_list.py), in the reader's language."""
    language = preferred_language(request.headers.get("accept-language", "").encode())
    address = await _front_address(request.state.app_state, language)
    return RedirectResponse(address, 302, {"vary": "accept-language"})


async def home_in_language(request: Request) -> Response:
    """Redirect (302) from `/zh` and `/en` to the front contest in that language."""
    address = await _front_address(request.state.app_state, language_of_path(request))
    return RedirectResponse(address, 302)


async def _front_address(state: PublicState, language: Language) -> str:
    now = state.clock()
    contest = find_front_contest(state.contests(), now)
    if contest is None:
        return f"/{language}/contests"
    address = f"/{language}/{contest.slug}"
    if contest.phase(now) == "closed":
        return address + await _outcome(state, contest, now)
    return address if is_published(contest, now) else f"{address}/coming"


async def _outcome(state: PublicState, contest: Contest, now: datetime) -> str:
    """Return the path, under the contest's address, of a closed contest's newest outcome. Empty
    (the list of candidates) while nothing is published or the store is unavailable."""
    try:
        async with acquire(state.read_pool) as connection:
            if await shown_result(connection, contest.id, now) is not None:
                return "/result"
        return "/cut" if await state.publication(contest) is not None else ""
    except StoreUnavailable:
        return ""


async def contests_page(request: Request) -> Response:
    """Show all visible contests by phase."""
    state: PublicState = request.state.app_state
    now = state.clock()
    body = render(
        "contests.html",
        language=language_of_path(request),
        path="/contests",
        listed=group_by_phase(state.contests(), now),
        is_published=partial(is_published, now=now),
        public_url=state.settings.public_url.rstrip("/"),
    )
    return page_response(request, PreparedPage.of(body), cache_control=_SHARED)


async def coming(context: PageContext) -> Response:
    """Show name and dates of a contest under embargo; redirect (302) to its list once published."""
    if is_published(context.contest, context.now):
        return RedirectResponse(context.address, 302, {"cache-control": "no-store"})
    page = context.page_cache.coming(context.language)
    return page_response(context.request, page, cache_control="public, max-age=1")


async def without_slash(request: Request) -> Response:
    """Redirect (302) from an address with a trailing slash to the page. The target is relative and
    begins with a language, so it never leads to another site."""
    below = request.path_params["below"].strip("/")
    language = request.path_params["language"]
    return RedirectResponse(f"/{language}/{below}" if below else f"/{language}", 302)
