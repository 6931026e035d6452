"""The list of candidates, their profiles, and static files."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from voting_service.i18n.text import Language
from voting_service.sites.public.caches.candidate_list import ListFilter
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.pages.cached_views import CachedPage, PageSource, load_page_source
from voting_service.sites.public.pages.responses import keep_order, order_in
from voting_service.sites.public.rendering import STATIC
from voting_service.sites.shared.prepared_pages import PreparedPage
from voting_service.sites.shared.problem_documents import Headers
from voting_service.sites.shared.static_files import static_response


class CandidatesPage(CachedPage):
    """All candidates, in this visitor's order; those whom the filter in the address does not let
    through are hidden."""

    cache_control = b"private, no-cache"
    vary = b"Accept-Encoding, Cookie"

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        contest_state, page_cache, language = load_page_source(scope)
        if contest_state.contest.rules.list_order == "number":
            await self.send(scope, send, _list_page(scope, page_cache, language, 0))
            return
        variant, is_new = order_in(_cookies(scope))
        set_order: Headers = []
        if is_new:
            response = Response()
            keep_order(response, variant)
            set_order = [header for header in response.raw_headers if header[0] == b"set-cookie"]
        await self.send(scope, send, _list_page(scope, page_cache, language, variant), set_order)


def _list_page(
    scope: Scope, page_cache: PageCache, language: Language, variant: int
) -> PreparedPage:
    list_filter = ListFilter.from_query(scope["query_string"])
    if not any(list_filter):
        return page_cache.candidates(language, variant)
    return page_cache.filtered_candidates(language, variant, list_filter)


def _cookies(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"cookie"), b"")


class ProfilePage(CachedPage):
    """The profile of one candidate, beside those whom the filter in the address lets through."""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        _, page_cache, language = load_page_source(scope)
        number: int = scope["path_params"]["number"]
        list_filter = ListFilter.from_query(scope["query_string"])
        page = (
            page_cache.filtered_profile(language, number, list_filter)
            if any(list_filter)
            else page_cache.profile(language, number)
        )
        await self.send(scope, send, page)


class CorrectionsPage(CachedPage):
    """Corrections of profiles, and withdrawals."""

    def find(self, source: PageSource, path: dict[str, Any]) -> PreparedPage:
        return source.page_cache.corrections(source.language)


async def static_file(request: Request) -> Response:
    """Return a static file by its hashed name."""
    return static_response(STATIC, request)
