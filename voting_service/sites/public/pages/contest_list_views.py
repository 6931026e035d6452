"""The index of all contests, the page of a contest under embargo, and addresses people shorten."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.contest_list import group_by_phase
from voting_service.contests.model import Contest
from voting_service.contests.phases import is_published
from voting_service.errors import StoreUnavailable
from voting_service.i18n.formatting import preferred_language
from voting_service.infrastructure.postgres.pool import acquire
from voting_service.nomination.awards.published_result import shown_result
from voting_service.sites.public.pages.cached_views import SHARED
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.responses import language_of_path, page_response
from voting_service.sites.public.rendering import render
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.prepared_pages import PreparedPage

_SHARED = SHARED.decode()


async def index(request: Request) -> Response:
    """Show every contest: open ones first, then announced ones, then past ones."""
    state: PublicState = request.state.app_state
    now, language = state.clock(), language_of_path(request)
    listed = group_by_phase(state.contests(), now)
    shown = tuple(
        (phase, contest.slug, contest.revision, is_published(contest, now))
        for phase, contests in listed.items()
        for contest in contests
    )
    kept = state.index_pages.get(language)
    if kept is None or kept[0] != shown:
        body = render(
            "contests.html",
            language=language,
            path="",
            listed=listed,
            is_published=partial(is_published, now=now),
            public_url=state.settings.public_url,
        )
        kept = state.index_pages[language] = (shown, PreparedPage.of(body))
    return page_response(request, kept[1], cache_control=_SHARED)


async def privacy(request: Request) -> Response:
    """Show what personal data is handled, what for and for how long."""
    return _article(request, "privacy", "vote network browser objection share rights")


async def voting_help(request: Request) -> Response:
    """Show how to vote, and what to do when something goes wrong."""
    return _article(request, "help", "vote receipt problems eyes ask")


def _article(request: Request, name: str, sections: str) -> Response:
    """Show the sections of a text that belongs to no contest."""
    state: PublicState = request.state.app_state
    language = language_of_path(request)
    page = state.articles.get((name, language))
    if page is None:
        body = render(
            "article.html",
            language=language,
            path=f"/{name}",
            name=name,
            sections=sections.split(),
            title=None,
            public_url=state.settings.public_url,
        )
        page = state.articles[name, language] = PreparedPage.of(body)
    return page_response(request, page, cache_control=_SHARED)


async def in_readers_language(request: Request) -> Response:
    """Redirect (302) from `/`, and from addresses that the index had before, to the index."""
    language = request.path_params.get("language") or preferred_language(
        request.headers.get("accept-language", "").encode()
    )
    return RedirectResponse(f"/{language}", 302, {"vary": "accept-language"})


async def contest_in_readers_language(request: Request) -> Response:
    """Redirect (302) from `/bayu-2022`, as people type it from paper, to the contest. Raises
    NotFound."""
    state: PublicState = request.state.app_state
    contest = state.contest_state(request.path_params["slug"]).contest
    language = preferred_language(request.headers.get("accept-language", "").encode())
    return RedirectResponse(f"/{language}/{contest.slug}", 302, {"vary": "accept-language"})


async def outcome(context: PageContext) -> Response:
    """Redirect (302) to the newest outcome of a contest: the result that follows the vote, or the
    page of the cut, which shows that there is none yet."""
    address = f"{context.address}/cut"
    if await _has_result(context.state, context.contest):
        address = f"{context.address}/result"
    return RedirectResponse(address, 302, {"cache-control": "no-store"})


async def _has_result(state: PublicState, contest: Contest) -> bool:
    """Return whether the result is announced. False also if the store is unavailable."""
    try:
        async with acquire(state.read_pool) as connection:
            return await shown_result(connection, contest.id, state.clock()) is not None
    except StoreUnavailable:
        return False


async def coming(context: PageContext) -> Response:
    """Show name, dates and organisers of a contest under embargo; redirect (302) to its list once
    published."""
    if is_published(context.contest, context.now):
        return RedirectResponse(context.address, 302, {"cache-control": "no-store"})
    page = context.page_cache.coming(context.language)
    return page_response(context.request, page, cache_control="public, max-age=1")


async def without_slash(request: Request) -> Response:
    """Redirect (302) from an address with a trailing slash to the page. The target is relative and
    begins with a language, so it never leads to another site."""
    below = request.path_params["below"].strip("/")
    language = request.path_params["language"]
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/{language}/{below}{query}" if below else f"/{language}{query}", 302)
