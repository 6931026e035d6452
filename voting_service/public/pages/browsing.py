"""The pages for reading: the list, a profile, static files."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from voting_service.contests.model import Language
from voting_service.public.pages.answers import keep_order, order_in
from voting_service.public.pages.book import PageBook
from voting_service.public.pages.page_read import PageRead, open_book
from voting_service.public.pages.rendering import PACKAGE
from voting_service.public.worker import ContestDesk
from voting_service.web.prepared import PreparedPage
from voting_service.web.problems import Headers
from voting_service.web.static_files import static_files, static_response


class CandidatesPage(PageRead):
    """All candidates, in this visitor's order."""

    cache_control = b"private, no-cache"
    vary = b"Accept-Encoding, Cookie"

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        desk, book, language = open_book(scope)
        if desk.contest.rules.list_order == "number":
            await self.send(scope, send, book.candidates(language, 0))
            return
        variant, is_new = order_in(_cookies(scope))
        set_order: Headers = []
        if is_new:
            response = Response()
            keep_order(response, variant)
            set_order = [header for header in response.raw_headers if header[0] == b"set-cookie"]
        await self.send(scope, send, book.candidates(language, variant), set_order)


def _cookies(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"cookie"), b"")


class ProfilePage(PageRead):
    """One candidate."""

    def find(
        self, desk: ContestDesk, book: PageBook, language: Language, path: dict[str, Any]
    ) -> PreparedPage:
        return book.profile(language, path["number"])


async def static_file(request: Request) -> Response:
    """A file of the pages under its hashed name."""
    return static_response(static_files(PACKAGE), request)
