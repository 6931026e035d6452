"""The context of a request for a page of a contest."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request

from voting_service.contests.model import Contest
from voting_service.errors import NotSignedIn
from voting_service.i18n.text import Language
from voting_service.sites.public.api.cast_ballot import authenticate_voter
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.pages.cookies import VisitorCookies
from voting_service.sites.public.pages.responses import language_of_path
from voting_service.sites.public.state import ContestState, PublicState
from voting_service.voting.voters.session_token import Session


class PageContext(NamedTuple):
    """A request with its contest, language, cookies and time."""

    request: Request
    state: PublicState
    contest_state: ContestState
    page_cache: PageCache
    language: Language
    cookies: VisitorCookies
    now: datetime

    @property
    def contest(self) -> Contest:
        return self.contest_state.contest

    @property
    def address(self) -> str:
        """The path of the contest's pages in the visitor's language."""
        return f"/{self.language}/{self.contest.slug}"

    def voter(self) -> Session:
        """② Return the session in the cookie. Raises NotSignedIn."""
        token = self.cookies.session(self.request)
        return authenticate_voter(self.state, self.contest_state, token.encode(), self.now)

    def voter_if_any(self) -> Session | None:
        """Return the session, or None without a valid one."""
        try:
            return self.voter()
        except NotSignedIn:
            return None


def load_context(request: Request) -> PageContext:
    """Return the context of a request. Raises NotFound for an unknown contest or language."""
    state: PublicState = request.state.app_state
    language = language_of_path(request)
    contest_state = state.contest_state(request.path_params["slug"])
    now = state.clock()
    return PageContext(
        request,
        state,
        contest_state,
        contest_state.page_cache(now),
        language,
        VisitorCookies(contest_state.contest, state.settings.public_url),
        now,
    )
