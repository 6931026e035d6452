"""Endpoints of pages that are the same for everyone: prepared bytes.

Bare ASGI endpoints: Starlette's request and response objects would cost more than the read.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from starlette.types import Receive, Scope, Send

from voting_service.i18n.text import Language
from voting_service.sites.public.api.reads import matches
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.state import ContestState, PublicState
from voting_service.sites.shared.prepared_pages import PreparedPage, accepts_gzip
from voting_service.sites.shared.problem_documents import Headers
from voting_service.sites.shared.security_headers import SECURITY_HEADERS

SHARED = b"public, max-age=10, stale-while-revalidate=60"
_HTML: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    *((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()),
]
_GZIP = (b"content-encoding", b"gzip")


class PageSource(NamedTuple):
    """Where the prepared pages of a request's contest come from, and the reader's language."""

    contest_state: ContestState
    page_cache: PageCache
    language: Language


class CachedPage:
    """An endpoint that returns a prepared page, or 304. Subclasses find the page."""

    cache_control: ClassVar[bytes] = SHARED
    vary: ClassVar[bytes] = b"Accept-Encoding"

    def find(self, source: PageSource, path: dict[str, Any]) -> PreparedPage:
        """Return the page. Raises a VotingError."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await self.send(scope, send, self.find(load_page_source(scope), scope["path_params"]))

    async def send(
        self, scope: Scope, send: Send, page: PreparedPage, more: Headers | None = None
    ) -> None:
        """Send the page, compressed if the client accepts it. The entity tag is weak, because it
        is the same for both forms."""
        if_none_match = encoding = b""
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                if_none_match = value
            elif name == b"accept-encoding":
                encoding = value
        etag = page.etag.encode()
        headers = [
            *_HTML,
            (b"etag", b"W/" + etag),
            (b"cache-control", self.cache_control),
            (b"vary", self.vary),
            *(more or ()),
        ]
        if if_none_match and matches(if_none_match, etag):
            status, body = 304, b""
        else:
            status, body = 200, page.body
            if encoding and accepts_gzip(encoding.decode("latin-1")):
                body = page.packed
                headers.append(_GZIP)
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )


def load_page_source(scope: Scope) -> PageSource:
    """Return the contest, its page cache and the language of a request. Raises NotFound,
    NotPublished or StoreUnavailable."""
    path = scope["path_params"]
    state: PublicState = scope["state"]["app_state"]
    contest_state = state.published_contest_state(path["slug"])
    language: Language = path["language"]
    return PageSource(contest_state, contest_state.page_cache(state.clock()), language)
