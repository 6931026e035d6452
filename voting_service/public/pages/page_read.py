"""The endpoints of pages that are the same for everybody: bytes that were made beforehand.

Bare ASGI endpoints, so that a read costs no more than the bytes it sends.
"""

from __future__ import annotations

from typing import Any, ClassVar

from starlette.types import Receive, Scope, Send

from voting_service.contests.model import Language
from voting_service.public.pages.book import PageBook
from voting_service.public.reads import matches
from voting_service.public.worker import ContestDesk, Worker
from voting_service.web.prepared import PreparedPage, accepts_gzip
from voting_service.web.problems import Headers
from voting_service.web.security_headers import SECURITY_HEADERS

SHARED = b"public, max-age=10, stale-while-revalidate=60"
_HTML: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    *((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()),
]
_PACKED = (b"content-encoding", b"gzip")


class PageRead:
    """Answers with a prepared page, or 304; a subclass finds it."""

    cache_control: ClassVar[bytes] = SHARED
    vary: ClassVar[bytes] = b"Accept-Encoding"

    def find(
        self, desk: ContestDesk, book: PageBook, language: Language, path: dict[str, Any]
    ) -> PreparedPage:
        """Raises a VotingError."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        desk, book, language = open_book(scope)
        await self.send(scope, send, self.find(desk, book, language, scope["path_params"]))

    async def send(
        self, scope: Scope, send: Send, page: PreparedPage, more: Headers | None = None
    ) -> None:
        """Sends the page as the reader wants it. The tag is weak: it names the page whether it
        is packed or not."""
        asked = encoding = b""
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                asked = value
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
        if asked and matches(asked, etag):
            status, body = 304, b""
        else:
            status, body = 200, page.body
            if encoding and accepts_gzip(encoding.decode("latin-1")):
                body = page.packed
                headers.append(_PACKED)
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )


def open_book(scope: Scope) -> tuple[ContestDesk, PageBook, Language]:
    """Whose page is asked for. Raises NotFound, NotPublished or StoreUnavailable."""
    path = scope["path_params"]
    worker: Worker = scope["state"]["worker"]
    desk = worker.published_desk(path["slug"])
    return desk, desk.book(worker.clock()), path["language"]
