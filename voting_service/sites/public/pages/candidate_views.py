"""The list of candidates, their profiles, and static files."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from voting_service.sites.public.caches.candidate_list import ListFilter
from voting_service.sites.public.caches.filtered_pages import FilteredPage
from voting_service.sites.public.pages.cached_views import CachedPage, PageSource, load_page_source
from voting_service.sites.public.pages.responses import keep_order, order_in
from voting_service.sites.public.prepared_reads import NotPrepared, PreparedAnswer
from voting_service.sites.public.rendering import STATIC
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.prepared_pages import PreparedPage
from voting_service.sites.shared.problem_documents import Headers
from voting_service.sites.shared.static_files import static_response


class _FilterablePage(CachedPage):
    """A page whose address may carry a filter. The app renders what is not kept, after the limit on
    reads in hand."""

    def everybody(self, scope: Scope, source: PageSource) -> PreparedAnswer:
        """Return the page without a filter."""
        raise NotImplementedError

    def answer(self, scope: Scope) -> PreparedAnswer:
        source = load_page_source(scope)
        filtered_page = _filtered_page(scope, source)
        if not any(filtered_page.list_filter):
            return self.everybody(scope, source)
        page = source.page_cache.filtered.get(filtered_page)
        if page is None:
            raise NotPrepared
        return self.page_answer(scope, page)

    async def full_answer(self, scope: Scope) -> PreparedAnswer:
        try:
            return self.answer(scope)
        except NotPrepared:
            source = load_page_source(scope)
            state: PublicState = scope["state"]["app_state"]
            filtered_page = _filtered_page(scope, source)
            render = partial(source.page_cache.render_filtered, filtered_page)
            return self.page_answer(scope, await state.render_queue.run(render))


def _filtered_page(scope: Scope, source: PageSource) -> FilteredPage:
    list_filter = ListFilter.from_query(scope["query_string"])
    return FilteredPage(source.language, list_filter, scope["path_params"].get("number"))


class CandidatesPage(_FilterablePage):
    """All candidates, in this visitor's order; with a filter by number, and those whom it does not
    let through are hidden."""

    cache_control = b"private, no-cache"
    vary = b"Accept-Encoding, Cookie"

    def everybody(self, scope: Scope, source: PageSource) -> PreparedAnswer:
        contest_state, page_cache, language = source
        if contest_state.contest.rules.list_order == "number":
            return self.page_answer(scope, page_cache.candidates(language, 0))
        variant, is_new = order_in(dict(scope["headers"]).get(b"cookie", b""))
        set_order: Headers = []
        if is_new:
            response = Response()
            keep_order(response, variant)
            set_order = [header for header in response.raw_headers if header[0] == b"set-cookie"]
        return self.page_answer(scope, page_cache.candidates(language, variant), set_order)


class ProfilePage(_FilterablePage):
    """The profile of one candidate, beside those whom the filter in the address lets through."""

    def everybody(self, scope: Scope, source: PageSource) -> PreparedAnswer:
        number: int = scope["path_params"]["number"]
        return self.page_answer(scope, source.page_cache.profile(source.language, number))


class CorrectionsPage(CachedPage):
    """Corrections of profiles, and withdrawals."""

    def find(self, source: PageSource, path: dict[str, Any]) -> PreparedPage:
        return source.page_cache.corrections(source.language)


async def static_file(request: Request) -> Response:
    """Return a static file by its hashed name."""
    return static_response(STATIC, request)
