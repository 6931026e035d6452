"""Errors as pages for people; whoever does not ask for a page gets a problem document."""

from __future__ import annotations

from typing import NamedTuple

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Language
from voting_service.desk.access import find_visitor, wants_page
from voting_service.desk.cookies import language
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import InvalidInput, StoreUnavailable, VotingError
from voting_service.web import problems
from voting_service.web.problems import kind_of, problem

log = structlog.get_logger(__name__)

_ENOUGH_SAID = frozenset(
    {"not-found", "wrong-role", "not-signed-in", "sent-from-elsewhere", "confirm-identity", "busy"}
)
"""Pages whose own words say what happened and what to do."""


class Detail(NamedTuple):
    """One thing that was wrong, and the language it is told in."""

    text: str
    language: Language


async def on_domain_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for every VotingError."""
    assert isinstance(error, VotingError)
    if not wants_page(request):
        return await problems.on_domain_error(request, error)
    status, headers, _ = problem(error, language(request))
    kind = kind_of(error).name
    answer = await _error_page(request, kind, status, _details(error, kind, language(request)))
    for name, value in headers:
        if name == b"retry-after":
            answer.headers["retry-after"] = value.decode()
    return answer


def _details(error: VotingError, kind: str, reader: Language) -> list[Detail]:
    """What was wrong, in the reader's language. What nobody said in Chinese is shown as it is
    where it says what to do, and left out where the page's own words are enough."""
    faults = error.faults if isinstance(error, InvalidInput) else (error,)
    said = [Detail(fault.zh, "zh") for fault in faults if fault.zh and reader == "zh"]
    if said or (reader == "zh" and kind in _ENOUGH_SAID):
        return said
    return [Detail(str(fault), "en") for fault in faults]


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own 404 and 405."""
    assert isinstance(error, HTTPException)
    if not wants_page(request):
        return await problems.on_http_error(request, error)
    name = "no-such-method" if error.status_code == 405 else "not-found"
    answer = await _error_page(request, name, error.status_code, [])
    answer.headers.update(error.headers or {})
    return answer


async def on_bug(request: Request, error: Exception) -> Response:
    """Starlette's handler for everything else."""
    # Without the path: an invitation's holds its token.
    log.error("desk_bug", method=request.method, error=type(error).__name__)
    if not wants_page(request):
        return await problems.on_bug(request, error)
    answer = await _error_page(request, "bug", 500, [])
    answer.headers["connection"] = "close"
    return answer


async def _error_page(request: Request, name: str, status: int, details: list[Detail]) -> Response:
    try:
        await find_visitor(request)
    except StoreUnavailable:
        log.warning("visitor_unknown", page=name)
    texts = desk_of(request).face.texts(language(request))["desk"]["error"]
    return page(
        request,
        "desk/error.html",
        status=status,
        said=texts.get(name, texts["other"]),
        details=details,
    )
