"""Open a voter's session and lead on: the end of every sign-in on the pages."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.list_order import voters_variant
from voting_service.errors import StoreUnavailable
from voting_service.i18n.text import Language
from voting_service.sites.public.api.reads import find_voters_ballot
from voting_service.sites.public.api.sessions import SignInRequest, sign_in
from voting_service.sites.public.pages.cookies import VisitorCookies
from voting_service.sites.public.pages.enter_page import NO_REFERRER, OWN_PAGE
from voting_service.sites.public.pages.responses import keep_order
from voting_service.sites.public.state import ContestState, PublicState
from voting_service.voting.voters.session_token import read

OTHER_CONTEST = "other-contest"
"""The element of every page of a contest (layout.html) that is shown when it is the target."""


async def sign_in_and_redirect(
    request: Request, sign_in_request: SignInRequest, next_page: str, language: Language
) -> Response:
    """Return a redirect (303) to the requested page, with the session's cookie. Raises TokenRefused
    and Unavailable."""
    state: PublicState = request.state.app_state
    contest_state, granted = await sign_in(state, sign_in_request)
    now = state.clock()
    address = _landing_page(state, next_page, language, contest_state.contest.slug)
    response = RedirectResponse(address, 303, NO_REFERRER)
    cookies = VisitorCookies(contest_state.contest, state.settings.public_url)
    seconds = int((granted.expires_at - now).total_seconds())
    platform = state.registry.platforms[sign_in_request.platform]
    cookies.keep_session(response, granted.session, seconds, platform)
    voter = _voter(contest_state, granted.session, now)
    if contest_state.contest.rules.list_order != "number":
        # From now on the list has the order that the report on place and votes takes it to have.
        keep_order(response, voters_variant(voter))
    ballot = await _find_ballot(state, contest_state, voter, now)
    if ballot is None:
        cookies.forget_voted(response)
    else:
        cookies.mark_voted(response, ballot, now)
    return response


def _landing_page(state: PublicState, next_page: str, language: Language, slug: str) -> str:
    """Return the requested page, or the contest's list for a page that is not ours, or of another
    contest, where the voter is not signed in: then the fragment shows a sentence about it."""
    page = OWN_PAGE.fullmatch(next_page)
    if page is None:
        return f"/{language}/{slug}"
    if page[2] == slug or page[2] not in state.contest_states:
        return next_page
    return f"/{language}/{slug}#{OTHER_CONTEST}"


def _voter(contest_state: ContestState, token: str, now: datetime) -> bytes:
    session = read(
        contest_state.keys.session,
        token.encode(),
        contest_id=contest_state.contest.id,
        now_seconds=now.timestamp(),
    )
    return session.voter


async def _find_ballot(
    state: PublicState, contest_state: ContestState, voter: bytes, now: datetime
) -> str | None:
    """Return the ballot that this voter has already cast, in any browser. None also if the store
    is unavailable; casting then detects it."""
    try:
        return await find_voters_ballot(state, contest_state.contest, voter, now)
    except StoreUnavailable:
        return None
