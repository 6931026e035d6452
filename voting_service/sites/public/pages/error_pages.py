"""Errors as pages for browsers; other clients get problem documents."""

from __future__ import annotations

from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from voting_service.errors import NotPublished, VotingError
from voting_service.i18n.formatting import preferred_language
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.public.rendering import render, texts
from voting_service.sites.public.state import ContestState, PublicState
from voting_service.sites.shared import problem_documents
from voting_service.sites.shared.problem_documents import Headers, problem
from voting_service.sites.shared.security_headers import SECURITY_HEADERS

_API = "/api/"
_PAGE_HEADERS: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"Accept, Accept-Language"),
    *((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()),
]
_REPLACED = {b"content-type", b"content-length", b"cache-control"}


def refusal(scope: Scope, error: VotingError) -> tuple[int, Headers, bytes]:
    """Return status, headers and body of an error: a page or a problem document."""
    status, headers, body = problem(error, _language(scope))
    if not _wants_page(scope):
        return status, headers, body
    contest_state = _contest_state(scope)
    if isinstance(error, NotPublished) and contest_state is not None:
        body = contest_state.page_cache(_state(scope).clock()).coming(_language(scope)).body
        page = _page_headers(body), body
    else:
        page = _page_headers_and_body(scope, problem_documents.problem_kind(error).name)
    kept = [(key, value) for key, value in headers if key not in _REPLACED]
    return status, [*page[0], *kept], page[1]


async def on_domain_error(request: Request, error: Exception) -> Response:
    """Handle a VotingError raised by an endpoint."""
    assert isinstance(error, VotingError)
    if _wants_page(request.scope):
        return _response(*refusal(request.scope, error))
    return await problem_documents.on_domain_error(request, error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Handle Starlette's own 404 and 405."""
    answer = await problem_documents.on_http_error(request, error)
    if not _wants_page(request.scope):
        return answer
    assert isinstance(error, HTTPException)
    name = "no-such-method" if error.status_code == 405 else "not-found"
    headers, body = _page_headers_and_body(request.scope, name)
    allowed = [(key.lower().encode(), v.encode()) for key, v in (error.headers or {}).items()]
    return _response(error.status_code, headers + allowed, body)


async def on_bug(request: Request, error: Exception) -> Response:
    """Handle any other exception."""
    answer = await problem_documents.on_bug(request, error)
    if not _wants_page(request.scope):
        return answer
    headers, body = _page_headers_and_body(request.scope, "bug")
    return _response(answer.status_code, [*headers, (b"connection", b"close")], body)


def _response(status: int, headers: Headers, body: bytes) -> Response:
    response = Response(body, status)
    response.raw_headers = headers
    return response


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _wants_page(scope: Scope) -> bool:
    return b"text/html" in _header(scope, b"accept") and not scope["path"].startswith(_API)


def _language(scope: Scope) -> Language:
    """Return the language in the address, else the browser's."""
    first = scope["path"].split("/")[1]
    for language in LANGUAGES:
        if language == first:
            return language
    return preferred_language(_header(scope, b"accept-language"))


def _contest_state(scope: Scope) -> ContestState | None:
    """Return the contest of the address, or None."""
    parts = scope["path"].split("/")
    if "app_state" not in scope.get("state", {}) or len(parts) <= 2:
        return None
    return _state(scope).contest_states.get(parts[2])


def _state(scope: Scope) -> PublicState:
    state: PublicState = scope["state"]["app_state"]
    return state


def _page_headers_and_body(scope: Scope, name: str) -> tuple[Headers, bytes]:
    language, contest_state = _language(scope), _contest_state(scope)
    home, contest_title = f"/{language}", ""
    if contest_state is not None:
        contest = contest_state.contest
        home, contest_title = f"{home}/{contest.slug}", getattr(contest.rules.title, language)
    body = _page(name, language, home, contest_title)
    return _page_headers(body), body


def _page_headers(body: bytes) -> Headers:
    return [*_PAGE_HEADERS, (b"content-length", str(len(body)).encode())]


@lru_cache(maxsize=256)
def _page(name: str, language: Language, home: str, contest_title: str) -> bytes:
    """Return an error page, of the contest that is titled so where there is one."""
    sections = texts(language)["error"]
    section = sections.get(name, sections["other"])
    return render(
        "error.html",
        language=language,
        path="",
        title=section["title"],
        text=section["text"],
        home=home,
        contest_title=contest_title,
        can_repeat=name in {"busy", "bug"},
    )
