"""Endpoints of pages that are the same for everyone: prepared bytes."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl

from starlette.types import Scope

from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.public.api.reads import matches
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.prepared_reads import PreparedAnswer, PreparedRead
from voting_service.sites.public.state import ContestState, PublicState
from voting_service.sites.shared.prepared_pages import PreparedPage, accepts_gzip
from voting_service.sites.shared.problem_documents import Headers

SHARED = b"public, max-age=10, stale-while-revalidate=60"
_GZIP = (b"content-encoding", b"gzip")


class PageSource(NamedTuple):
    """Where the prepared pages of a request's contest come from, and the reader's language."""

    contest_state: ContestState
    page_cache: PageCache
    language: Language


class CachedPage(PreparedRead):
    """An endpoint that returns a prepared page, or 304. Subclasses find the page."""

    headers: ClassVar[Headers | None] = None
    """Of what is no page."""
    cache_control: ClassVar[bytes] = SHARED
    vary: ClassVar[bytes] = b"Accept-Encoding"

    def find(self, source: PageSource, path: dict[str, Any]) -> PreparedPage:
        """Return the page. Raises a VotingError."""
        raise NotImplementedError

    def answer(self, scope: Scope) -> PreparedAnswer:
        return self.page_answer(scope, self.find(load_page_source(scope), scope["path_params"]))

    def page_answer(
        self, scope: Scope, page: PreparedPage, more: Headers | None = None
    ) -> PreparedAnswer:
        """Return the page, compressed if the client accepts it. The entity tag is weak, because it
        is the same for both forms."""
        sent = dict(scope["headers"])
        etag = page.etag.encode()
        headers = [
            *(self.headers or scope["state"]["app_state"].page_headers),
            (b"etag", b"W/" + etag),
            (b"cache-control", self.cache_control),
            (b"vary", self.vary),
            *(more or ()),
        ]
        if matches(sent.get(b"if-none-match", b""), etag):
            return PreparedAnswer(304, headers, b"")
        body = page.body
        if accepts_gzip(sent.get(b"accept-encoding", b"").decode("latin-1")):
            body = page.packed
            headers.append(_GZIP)
        headers.append((b"content-length", b"%d" % len(body)))
        return PreparedAnswer(200, headers, body)


def load_page_source(scope: Scope) -> PageSource:
    """Return the contest, its page cache and the language of a request. Raises NotFound,
    NotPublished or StoreUnavailable."""
    path = scope["path_params"]
    state: PublicState = scope["state"]["app_state"]
    contest_state = state.published_contest_state(path["slug"])
    language: Language = path.get("language") or _requested_language(scope)
    return PageSource(contest_state, contest_state.page_cache(state.clock()), language)


def _requested_language(scope: Scope) -> Language:
    """Return the language that a query asks for; Chinese otherwise."""
    requested = dict(parse_qsl(scope["query_string"].decode("ascii", "replace"))).get("language")
    return next((language for language in LANGUAGES if language == requested), "zh")
