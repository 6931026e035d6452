"""Errors as pages; clients that do not accept HTML get problem documents."""

from __future__ import annotations

from typing import NamedTuple

import structlog
from slowapi.errors import RateLimitExceeded
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import (
    InvalidInput,
    StoreUnavailable,
    Unavailable,
    VotingError,
)
from voting_service.i18n.text import Language
from voting_service.sites.shared import problem_documents
from voting_service.sites.shared.problem_documents import problem, problem_kind
from voting_service.sites.shared.signed_in.access import find_current_user, wants_page
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.keeping import keep_refused_post, refusal_of_guard
from voting_service.sites.shared.signed_in.rate_limits import RETRY_SECONDS
from voting_service.sites.shared.signed_in.refused_forms import show_again
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.failed_sign_ins import TooManyTries

log = structlog.get_logger(__name__)

_ENOUGH_SAID = frozenset(
    {"not-found", "wrong-role", "not-signed-in", "sent-from-elsewhere", "confirm-identity", "busy"}
)
"""Errors whose page explains by itself what happened and what to do."""


class Detail(NamedTuple):
    """One thing that was wrong, and the language of its text."""

    text: str
    language: Language


async def on_domain_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for every VotingError. What a form posted in vain is kept."""
    assert isinstance(error, VotingError)
    refusal = refusal_of_guard(error) if request.method == "POST" else None
    way_back = await keep_refused_post(request, refusal) if refusal else None
    if way_back is not None:
        return way_back
    if not wants_page(request):
        return await problem_documents.on_domain_error(request, error)
    status, headers, _ = problem(error, language(request))
    kind = problem_kind(error).name
    answer = await show_again(request, error, status)
    if answer is None:
        answer = await _error_page(request, kind, status, _details(error, kind, language(request)))
    for name, value in headers:
        if name == b"retry-after":
            answer.headers["retry-after"] = value.decode()
    return answer


def _details(error: VotingError, kind: str, reader: Language) -> list[Detail]:
    """Return what was wrong, in the reader's language; in English where there is no Chinese text
    and the page's own text does not say enough."""
    faults = error.faults if isinstance(error, InvalidInput) else (error,)
    details = [Detail(fault.zh, "zh") for fault in faults if fault.zh and reader == "zh"]
    if details or (reader == "zh" and kind in _ENOUGH_SAID):
        return details
    return [Detail(str(fault), "en") for fault in faults]


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own 404 and 405."""
    assert isinstance(error, HTTPException)
    if not wants_page(request):
        return await problem_documents.on_http_error(request, error)
    name = "no-such-method" if error.status_code == 405 else "not-found"
    answer = await _error_page(request, name, error.status_code, [])
    answer.headers.update(error.headers or {})
    return answer


async def on_rate_limit_exceeded(request: Request, error: Exception) -> Response:
    """slowapi's refusal. A limit's own `error_message` is the code of Unavailable, for a form that
    is to be sent again; otherwise it is TooManyTries."""
    assert isinstance(error, RateLimitExceeded)
    code = error.limit and error.limit.error_message
    if isinstance(code, str):
        return await on_domain_error(request, Unavailable(code, retry_after_seconds=RETRY_SECONDS))
    return await on_domain_error(request, TooManyTries(RETRY_SECONDS))


async def on_bug(request: Request, error: Exception) -> Response:
    """Starlette's handler for everything else."""
    # Without the path: an invitation's holds its token.
    log.error("staff_site_bug", method=request.method, error=type(error).__name__)
    if not wants_page(request):
        return await problem_documents.on_bug(request, error)
    answer = await _error_page(request, "bug", 500, [])
    answer.headers["connection"] = "close"
    return answer


async def _error_page(request: Request, name: str, status: int, details: list[Detail]) -> Response:
    try:
        await find_current_user(request)
    except StoreUnavailable:
        log.warning("visitor_unknown", page=name)
    texts = get_state(request).theme.texts(language(request))["layout"]["error"]
    return page(
        request,
        "signed_in/error.html",
        status=status,
        said=texts.get(name, texts["other"]),
        details=details,
    )
