"""Problem documents (RFC 9457) for domain errors, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import (
    AlreadyVoted,
    ChallengeRequired,
    IdentityNotConfirmed,
    InputTooLarge,
    InvalidInput,
    MalformedInput,
    NotFound,
    NotOpen,
    NotPublished,
    NotSignedIn,
    NotYet,
    PeriodOver,
    Refused,
    SentFromElsewhere,
    SessionEnded,
    SlowDown,
    TokenRefused,
    Unavailable,
    UnsupportedMedia,
    VotingError,
    WrongRole,
)
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import preferred_language
from voting_service.i18n.text import Language
from voting_service.infrastructure import metrics

MEDIA_TYPE = b"application/problem+json"


class ProblemKind(NamedTuple):
    """How one kind of error shows: `name` is the last part of the problem's type, and the name of
    its title in the catalogue."""

    status: int
    name: str

    def title(self, language: Language) -> str:
        title: str = load_catalogue("problems", language)["titles"][self.name]
        return title


KINDS: Mapping[type[VotingError], ProblemKind] = {
    MalformedInput: ProblemKind(400, "malformed"),
    NotSignedIn: ProblemKind(401, "not-signed-in"),
    SessionEnded: ProblemKind(401, "session-ended"),
    TokenRefused: ProblemKind(401, "token-refused"),
    SentFromElsewhere: ProblemKind(403, "sent-from-elsewhere"),
    IdentityNotConfirmed: ProblemKind(403, "confirm-identity"),
    WrongRole: ProblemKind(403, "wrong-role"),
    NotOpen: ProblemKind(403, "not-open"),
    NotPublished: ProblemKind(403, "not-published"),
    NotFound: ProblemKind(404, "not-found"),
    AlreadyVoted: ProblemKind(409, "already-voted"),
    PeriodOver: ProblemKind(409, "period-over"),
    Refused: ProblemKind(409, "refused"),
    InputTooLarge: ProblemKind(413, "too-large"),
    UnsupportedMedia: ProblemKind(415, "not-json"),
    InvalidInput: ProblemKind(422, "invalid"),
    ChallengeRequired: ProblemKind(428, "challenge"),
    SlowDown: ProblemKind(429, "slow-down"),
    Unavailable: ProblemKind(503, "busy"),
}

Headers = list[tuple[bytes, bytes]]


def problem_kind(error: VotingError) -> ProblemKind:
    """Return how an error is shown: by the entry of its class or of its nearest base class."""
    return next(KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)


def _extensions(error: VotingError) -> dict[str, Any]:
    match error:
        case InvalidInput(faults=faults):
            return {"errors": [{"field": f.field, "message": f.message} for f in faults]}
        case NotOpen():
            return {"opens_at": error.opens_at, "closes_at": error.closes_at}
        case ChallengeRequired():
            beside = {"captcha": error.captcha} if error.captcha else {}
            return {"challenge": error.challenge, **beside}
        case NotPublished():
            return {"publish_at": error.publish_at}
        case AlreadyVoted():
            return msgspec.json.decode(error.receipt, type=dict[str, Any])
        case _:
            return {}


def _headers(body: bytes) -> Headers:
    return [
        (b"content-type", MEDIA_TYPE),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]


def problem(error: VotingError, language: Language = "en") -> tuple[int, Headers, bytes]:
    """Return status, headers and body of an error's problem document."""
    kind = problem_kind(error)
    metrics.REFUSED.labels(kind.name).inc()
    body = msgspec.json.encode(
        {
            "type": f"/problems/{kind.name}",
            "title": kind.title(language),
            "status": kind.status,
            "detail": str(error),
            **_extensions(error),
        }
    )
    headers = _headers(body)
    match error:
        case SlowDown() | Unavailable() | NotYet():
            headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
        case NotSignedIn() | TokenRefused():
            headers.append((b"www-authenticate", b"Bearer"))
        case _:
            pass
    return kind.status, headers, body


def problem_response(request: Request, error: VotingError) -> Response:
    """Return the problem document as a Starlette response."""
    language = preferred_language(request.headers.get("accept-language", "en").encode())
    status, headers, body = problem(error, language)
    response = Response(body, status)
    response.raw_headers = headers
    return response


async def on_domain_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for every VotingError."""
    assert isinstance(error, VotingError)
    return problem_response(request, error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own 404 and 405 as problem documents."""
    status = getattr(error, "status_code", 404)
    language = preferred_language(request.headers.get("accept-language", "en").encode())
    kind = ProblemKind(405, "method-not-allowed") if status == 405 else KINDS[NotFound]
    title = kind.title(language)
    body = msgspec.json.encode(
        {"type": "about:blank", "title": title, "status": status, "detail": title}
    )
    headers = {**(getattr(error, "headers", None) or {}), "cache-control": "no-store"}
    return Response(body, status, headers, media_type=MEDIA_TYPE.decode())


def bug() -> tuple[int, Headers, bytes]:
    """Return the problem document of an unexpected error; details are only in the log."""
    texts = load_catalogue("problems", "en")["unexpected"]
    body = msgspec.json.encode(
        {"type": "about:blank", "title": texts["title"], "status": 500, "detail": texts["detail"]}
    )
    return 500, _headers(body), body


async def on_bug(_request: Request, _error: Exception) -> Response:
    """Starlette's handler for everything else."""
    status, headers, body = bug()
    # Starlette raises the error again for the log, and uvicorn then hangs up.
    headers.append((b"connection", b"close"))
    response = Response(body, status)
    response.raw_headers = headers
    return response
