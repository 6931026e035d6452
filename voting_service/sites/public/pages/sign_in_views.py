"""`/enter`: sign a platform's user in as a voter.

The platform's page posts a form (platform, token, optionally contest, next, language) or opens
`/enter#platform=…&token=…`. Browsers do not send the fragment to servers; enter.js removes it from
the address and the history, then posts the same form. Both ways navigate the whole window, so the
session cookie is first-party and unaffected by the blocking of third-party cookies. The token
appears in no address we send, no response and no log.

An attacker could sign another person in as himself (login CSRF). Defences: a token works once and
expires after two minutes; a post must come from an origin registered for the platform, from this
site, or, if the browser does not mark it as cross-site, from a page without an origin; the review
page shows the platform and lets the voter sign out. What remains is a link opened within two
minutes, which gains the attacker nothing: the ballot cast is his own, filled in by someone else.
"""

from __future__ import annotations

import re
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.model import Platform
from voting_service.errors import (
    Fault,
    InvalidInput,
    StoreUnavailable,
    Unavailable,
    VotingError,
)
from voting_service.i18n.formatting import preferred_language
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.public.api.reads import find_voters_ballot
from voting_service.sites.public.api.sessions import (
    MAX_BODY_BYTES,
    SignInRequest,
    sign_in,
)
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.cookies import VisitorCookies
from voting_service.sites.public.pages.forms import BallotForm, read_form
from voting_service.sites.public.rendering import render
from voting_service.sites.public.state import ContestState, PublicState
from voting_service.sites.shared.problem_documents import problem_kind
from voting_service.sites.shared.same_origin import refuse_cross_site
from voting_service.sites.shared.security_headers import SECURITY_HEADERS
from voting_service.voting.voters.session_token import read

_FIELDS = ("platform", "token", "contest", "next", "language")
_OWN_PAGE = re.compile(r"/(zh|en)/([a-z0-9-]{1,64})(/[a-z0-9-]{1,64}){0,3}")
_PAGE_HEADERS = {**SECURITY_HEADERS, "cache-control": "no-store"}
_HEADERS = {**_PAGE_HEADERS, "referrer-policy": "no-referrer"}
"""For redirects only. The page has a form, and without a referrer browsers that do not send
Sec-Fetch-Site would post it with `Origin: null`. Referrers contain no fragment."""


async def enter_page(request: Request) -> Response:
    """Show the page whose script posts the form. A query is discarded: servers on the way have
    already seen its contents."""
    if request.url.query:
        return RedirectResponse("/enter", 303, _HEADERS)
    return _enter_page(request, _language(request))


async def enter(request: Request) -> Response:
    """Redirect (303) to the requested page with the session cookie, or show what to do."""
    state: PublicState = request.state.app_state
    language = _language(request)
    platform: Platform | None = None
    try:
        form = await read_form(request, _FIELDS, MAX_BODY_BYTES)
        language = _language(request, form)
        platform = state.registry.platforms.get(form.fields.get("platform", ""))
        refuse_cross_site(
            request,
            state.settings.public_url,
            trusted=platform.origins if platform else (),
            proves_itself=True,
        )
        return await _signed_in(request, form, language)
    except VotingError as error:
        return _enter_page(request, language, error, platform)


async def leave(context: PageContext) -> Response:
    """Sign the visitor out of this browser."""
    refuse_cross_site(context.request, context.state.settings.public_url)
    response = RedirectResponse(context.address, 303, _HEADERS)
    context.cookies.forget_visitor(response)
    return response


async def _signed_in(request: Request, form: BallotForm, language: Language) -> Response:
    state: PublicState = request.state.app_state
    fields = form.fields
    missing = [
        Fault(name, "sites.public.pages.field_missing")
        for name in ("platform", "token")
        if not fields.get(name)
    ]
    if missing:
        raise InvalidInput(*missing)
    sign_in_request = SignInRequest(
        fields["platform"], fields["token"], fields.get("contest") or None
    )
    contest_state, granted = await sign_in(state, sign_in_request)
    now = state.clock()
    address = _landing_page(state, fields.get("next", ""), language, contest_state.contest.slug)
    response = RedirectResponse(address, 303, _HEADERS)
    cookies = VisitorCookies(contest_state.contest, state.settings.public_url)
    cookies.keep_session(response, granted.session, int((granted.expires_at - now).total_seconds()))
    ballot = await _find_ballot(state, contest_state, granted.session, now)
    if ballot is None:
        cookies.forget_voted(response)
    else:
        cookies.mark_voted(response, ballot, now)
    return response


def _landing_page(state: PublicState, next_page: str, language: Language, slug: str) -> str:
    """Return the requested page, or the contest's list for a page that is not ours, or of another
    contest, where the voter is not signed in."""
    page = _OWN_PAGE.fullmatch(next_page)
    if page and (page[2] == slug or page[2] not in state.contest_states):
        return next_page
    return f"/{language}/{slug}"


async def _find_ballot(
    state: PublicState, contest_state: ContestState, token: str, now: datetime
) -> str | None:
    """Return the ballot that this voter has already cast, in any browser. None also if the store
    is unavailable; casting then detects it."""
    session = read(
        contest_state.keys.session,
        token.encode(),
        contest_id=contest_state.contest.id,
        now_seconds=now.timestamp(),
    )
    try:
        return await find_voters_ballot(state, contest_state.contest, session.voter, now)
    except StoreUnavailable:
        return None


def _enter_page(
    request: Request,
    language: Language,
    error: VotingError | None = None,
    platform: Platform | None = None,
) -> Response:
    """Return the page on how to sign in, with the error, if any. It never contains the token."""
    state: PublicState = request.state.app_state
    status = problem_kind(error).status if error else 200
    body = render(
        "enter.html",
        language=language,
        path="/enter",
        error=error,
        is_busy=isinstance(error, Unavailable),
        platform=platform,
        platforms=sorted(state.platforms.values(), key=lambda platform: platform.id),
    )
    headers = dict(_PAGE_HEADERS)
    if isinstance(error, Unavailable):
        headers["retry-after"] = str(error.retry_after_seconds)
    return Response(body, status, headers, media_type="text/html")


def _language(request: Request, form: BallotForm | None = None) -> Language:
    """Return the language requested by the platform, else that of the requested page, else the
    browser's."""
    fields = form.fields if form else {}
    page = _OWN_PAGE.fullmatch(fields.get("next", ""))
    requested = fields.get("language") or (page and page[1])
    for language in LANGUAGES:
        if language == requested:
            return language
    return preferred_language(request.headers.get("accept-language", "").encode())
