"""The page of `/enter`: how to sign in, and what went wrong. It never contains a token."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Platform
from voting_service.errors import NotSignedIn, Unavailable, VotingError
from voting_service.i18n.formatting import preferred_language
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.public.pages.sign_in_choices import is_in_wechat, sign_in_choices
from voting_service.sites.public.rendering import render, texts
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.problem_documents import problem_kind
from voting_service.sites.shared.security_headers import SECURITY_HEADERS
from voting_service.voting.voters.service import KINDS_WITH_REDIRECT

OWN_PAGE = re.compile(r"/(zh|en)/([a-z0-9-]{1,64})(/[a-z0-9-]{1,64}){0,3}")
_PAGE_HEADERS = {**SECURITY_HEADERS, "cache-control": "no-store"}
NO_REFERRER = {**_PAGE_HEADERS, "referrer-policy": "no-referrer"}
"""For redirects only. The page has a form, and without a referrer browsers that do not send
Sec-Fetch-Site would post it with `Origin: null`. Referrers contain no fragment."""


def enter_page_response(
    request: Request,
    error: VotingError | None = None,
    *,
    platform: Platform | None = None,
    next_page: str = "",
    language: Language | None = None,
) -> Response:
    """Return the page, with the error and the way on. It shows all platforms unless it is about
    one."""
    state: PublicState = request.state.app_state
    shown = language or choose_language(request, next_page)
    status = problem_kind(error).status if error else 200
    body = render(
        "enter.html",
        language=shown,
        path="/enter",
        error=error,
        advice=_advice(error, platform, shown) if error else "",
        choices=sign_in_choices(
            [platform] if platform else state.platforms.values(),
            shown,
            state.settings.public_url,
            next_page if OWN_PAGE.fullmatch(next_page) else "",
            in_wechat=is_in_wechat(request),
        ),
    )
    headers = dict(_PAGE_HEADERS)
    if isinstance(error, Unavailable):
        headers["retry-after"] = str(error.retry_after_seconds)
    return Response(body, status, headers, media_type="text/html")


def _advice(error: VotingError, platform: Platform | None, language: Language) -> str:
    """Return what a visitor should do: start again here where a provider signs them in, else go
    back to the platform. Only a sign-in at a provider ends as NotSignedIn."""
    section = texts(language)["enter"]
    reason = "busy" if isinstance(error, Unavailable) else error.code.rpartition(".")[2]
    is_ours = platform.kind in KINDS_WITH_REDIRECT if platform else isinstance(error, NotSignedIn)
    elsewhere = {"busy": section["busy"], "other": section["open_again"]}
    sentences: Mapping[str, str] = section["provider"] if is_ours else elsewhere
    return sentences.get(reason, sentences["other"])


def choose_language(request: Request, next_page: str, requested: str = "") -> Language:
    """Return the language requested by the platform, else that of the next page, else the
    browser's."""
    page = OWN_PAGE.fullmatch(next_page)
    preferred = requested or (page and page[1])
    for language in LANGUAGES:
        if language == preferred:
            return language
    return preferred_language(request.headers.get("accept-language", "").encode())
