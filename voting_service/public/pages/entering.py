"""`/enter`: a platform sends its user over, and the user becomes a voter here.

The platform's page posts a form (platform, token, and if it likes contest, next, language), or
opens `/enter#platform=…&token=…`: a fragment is not sent to anybody, and enter.js takes it out
of the address and the history before it posts the same form. Both are navigations of the whole
window, so the session's cookie is first-party and no blocking of third-party cookies or
partitioned storage touches it. The token is in no address that we send, in no answer, no log.

Somebody could sign another person in as himself (login CSRF). What stands against it: a token
is good once and for two minutes; a post must come from an origin registered for the platform, from
here, or, where the browser does not call it cross-site, from a page that names no origin; the
review page says over which platform one came and lets one leave. What is left is a link opened
within its two minutes, and that wins its sender nothing: the ballot that is cast is his own one,
filled in by somebody else.
"""

from __future__ import annotations

import re
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.model import Language, Platform
from voting_service.errors import (
    Fault,
    InvalidInput,
    StoreUnavailable,
    Unavailable,
    VotingError,
)
from voting_service.public.pages.cookies import VisitorCookies
from voting_service.public.pages.forms import Form, read_form
from voting_service.public.pages.rendering import render
from voting_service.public.pages.visit import Visit
from voting_service.public.reads import find_ballot_of
from voting_service.public.sessions import MAX_BODY_BYTES, SignInRequest, sign_in
from voting_service.public.worker import ContestDesk, Worker
from voting_service.voters.session import read
from voting_service.web.languages import LANGUAGES, language_of
from voting_service.web.problems import kind_of
from voting_service.web.same_origin import refuse_cross_site
from voting_service.web.security_headers import SECURITY_HEADERS

_FIELDS = ("platform", "token", "contest", "next", "language")
_OWN_PAGE = re.compile(r"/(zh|en)(/[a-z0-9-]{1,64}){1,4}")
_PAGE_HEADERS = {**SECURITY_HEADERS, "cache-control": "no-store"}
_HEADERS = {**_PAGE_HEADERS, "referrer-policy": "no-referrer"}
"""Of redirects. The page itself has a form: without a referrer, browsers that do not send
Sec-Fetch-Site would post it with `Origin: null`. A fragment is in no referrer."""


async def enter_page(request: Request) -> Response:
    """What a link leads to; its script posts the form. A query is thrown away: what stood in it
    has been seen by others already."""
    if request.url.query:
        return RedirectResponse("/enter", 303, _HEADERS)
    return _enter_page(request, _language(request))


async def enter(request: Request) -> Response:
    """303 to the page asked for with the session's cookie, or a page that says what to do."""
    worker: Worker = request.state.worker
    language = _language(request)
    platform: Platform | None = None
    try:
        form = await read_form(request, _FIELDS, MAX_BODY_BYTES)
        language = _language(request, form)
        platform = worker.registry.platforms.get(form.fields.get("platform", ""))
        refuse_cross_site(
            request,
            worker.settings.public_url,
            trusted=platform.origins if platform else (),
            proves_itself=True,
        )
        return await _signed_in(request, form, language)
    except VotingError as error:
        return _enter_page(request, language, error, platform)


async def leave(visit: Visit) -> Response:
    """Signs the visitor out of this browser, so that the next person can come."""
    refuse_cross_site(visit.request, visit.worker.settings.public_url)
    response = RedirectResponse(visit.address, 303, _HEADERS)
    visit.cookies.forget_visitor(response)
    return response


async def _signed_in(request: Request, form: Form, language: Language) -> Response:
    worker: Worker = request.state.worker
    fields = form.fields
    missing = [Fault(name, "is missing") for name in ("platform", "token") if not fields.get(name)]
    if missing:
        raise InvalidInput(*missing)
    asked = SignInRequest(fields["platform"], fields["token"], fields.get("contest") or None)
    desk, granted = await sign_in(worker, asked)
    now = worker.clock()
    wanted = fields.get("next", "")
    address = wanted if _OWN_PAGE.fullmatch(wanted) else f"/{language}/{desk.contest.slug}"
    response = RedirectResponse(address, 303, _HEADERS)
    cookies = VisitorCookies(desk.contest, worker.settings.public_url)
    cookies.keep_session(response, granted.session, int((granted.expires_at - now).total_seconds()))
    ballot = await _ballot_of(worker, desk, granted.session, now)
    if ballot is None:
        cookies.forget_voted(response)
    else:
        cookies.mark_voted(response, ballot, now)
    return response


async def _ballot_of(worker: Worker, desk: ContestDesk, token: str, now: datetime) -> str | None:
    """The ballot that this voter has cast already, wherever it was; None when that cannot be
    found out now, for then casting will tell."""
    session = read(
        desk.keys.session,
        token.encode(),
        contest_id=desk.contest.id,
        now_seconds=now.timestamp(),
    )
    try:
        return await find_ballot_of(worker, desk.contest, session.voter, now)
    except StoreUnavailable:
        return None


def _enter_page(
    request: Request,
    language: Language,
    error: VotingError | None = None,
    platform: Platform | None = None,
) -> Response:
    """How to come in; with what went wrong, if something did. The token is never in it."""
    worker: Worker = request.state.worker
    status = kind_of(error).status if error else 200
    body = render(
        "enter.html",
        language=language,
        path="/enter",
        error=error,
        is_busy=isinstance(error, Unavailable),
        platform=platform,
        platforms=sorted(worker.platforms.values(), key=lambda known: known.id),
    )
    headers = dict(_PAGE_HEADERS)
    if isinstance(error, Unavailable):
        headers["retry-after"] = str(error.retry_after_seconds)
    return Response(body, status, headers, media_type="text/html")


def _language(request: Request, form: Form | None = None) -> Language:
    """What the platform asks for, else the language of the page it asks for, else the
    browser's."""
    fields = form.fields if form else {}
    page = _OWN_PAGE.fullmatch(fields.get("next", ""))
    asked = fields.get("language") or (page and page[1])
    for language in LANGUAGES:
        if language == asked:
            return language
    return language_of(request.headers.get("accept-language", "").encode())
