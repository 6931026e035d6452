"""One visitor's request for a page of a contest, with what every such page needs."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request

from voting_service.contests.model import Contest, Language
from voting_service.errors import NotSignedIn
from voting_service.public.cast_ballot import voter_of
from voting_service.public.pages.answers import language_of_path
from voting_service.public.pages.book import PageBook
from voting_service.public.pages.cookies import VisitorCookies
from voting_service.public.worker import ContestDesk, Worker
from voting_service.voters.session import Session


class Visit(NamedTuple):
    """Who asks, in which language, about which contest, and when."""

    request: Request
    worker: Worker
    desk: ContestDesk
    book: PageBook
    language: Language
    cookies: VisitorCookies
    now: datetime

    @property
    def contest(self) -> Contest:
        return self.desk.contest

    @property
    def address(self) -> str:
        """The contest's pages in the visitor's language, as a path."""
        return f"/{self.language}/{self.contest.slug}"

    def voter(self) -> Session:
        """② from the cookie. Raises NotSignedIn."""
        token = self.cookies.session(self.request)
        return voter_of(self.worker, self.desk, token.encode(), self.now)

    def voter_if_any(self) -> Session | None:
        """None when nobody is signed in any more."""
        try:
            return self.voter()
        except NotSignedIn:
            return None


def visit_of(request: Request) -> Visit:
    """Raises NotFound for a contest or a language that we do not have."""
    worker: Worker = request.state.worker
    language = language_of_path(request)
    desk = worker.desk(request.path_params["slug"])
    now = worker.clock()
    return Visit(
        request,
        worker,
        desk,
        desk.book(now),
        language,
        VisitorCookies(desk.contest, worker.settings.public_url),
        now,
    )
