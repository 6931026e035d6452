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
    Refused,
    SentFromElsewhere,
    SlowDown,
    TokenRefused,
    Unavailable,
    UnsupportedMedia,
    VotingError,
    WrongRole,
)
from voting_service.i18n.formatting import language_of
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure import metrics

MEDIA_TYPE = b"application/problem+json"


class Kind(NamedTuple):
    """How one kind of error shows: `name` is the last part of the problem's type."""

    status: int
    name: str
    title: Text


KINDS: Mapping[type[VotingError], Kind] = {
    MalformedInput: Kind(
        400, "malformed", Text(zh="请求无法读取", en="The request cannot be read")
    ),
    NotSignedIn: Kind(401, "not-signed-in", Text(zh="请重新登录", en="Please sign in again")),
    TokenRefused: Kind(401, "token-refused", Text(zh="登录凭证无效", en="The sign-in was refused")),
    SentFromElsewhere: Kind(
        403, "sent-from-elsewhere", Text(zh="请从本站页面操作", en="Please use our own pages")
    ),
    IdentityNotConfirmed: Kind(
        403, "confirm-identity", Text(zh="请再次验证身份", en="Please prove again who you are")
    ),
    WrongRole: Kind(403, "wrong-role", Text(zh="您的角色无此权限", en="Your role may not do this")),
    NotOpen: Kind(403, "not-open", Text(zh="现在不是投票时间", en="Voting is not open now")),
    NotPublished: Kind(
        403,
        "not-published",
        Text(zh="候选人资料尚未发布", en="The candidates have not been published yet"),
    ),
    NotFound: Kind(404, "not-found", Text(zh="没有找到", en="There is nothing here")),
    AlreadyVoted: Kind(409, "already-voted", Text(zh="您已经投过票", en="You have voted already")),
    Refused: Kind(409, "refused", Text(zh="目前不能这样做", en="This cannot be done now")),
    InputTooLarge: Kind(413, "too-large", Text(zh="请求太大", en="The request is too large")),
    UnsupportedMedia: Kind(
        415, "not-json", Text(zh="请求须为 JSON", en="The request must be JSON")
    ),
    InvalidInput: Kind(
        422, "invalid", Text(zh="请求内容有误", en="Something in the request is wrong")
    ),
    ChallengeRequired: Kind(
        428, "challenge", Text(zh="请先完成验证", en="Please solve the challenge first")
    ),
    SlowDown: Kind(
        429, "slow-down", Text(zh="操作过于频繁，请稍候", en="Too many tries, please wait")
    ),
    Unavailable: Kind(503, "busy", Text(zh="系统繁忙，请稍后再试", en="Busy, please try again")),
}

NO_SUCH_METHOD = Text(zh="此处不支持该方法", en="There is no such method here")

Headers = list[tuple[bytes, bytes]]


def kind_of(error: VotingError) -> Kind:
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
    kind = kind_of(error)
    metrics.REFUSED.labels(kind.name).inc()
    body = msgspec.json.encode(
        {
            "type": f"/problems/{kind.name}",
            "title": getattr(kind.title, language),
            "status": kind.status,
            "detail": str(error),
            **_extensions(error),
        }
    )
    headers = _headers(body)
    match error:
        case SlowDown() | Unavailable():
            headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
        case NotSignedIn() | TokenRefused():
            headers.append((b"www-authenticate", b"Bearer"))
        case _:
            pass
    return kind.status, headers, body


def problem_response(request: Request, error: VotingError) -> Response:
    """Return the problem document as a Starlette response."""
    language = language_of(request.headers.get("accept-language", "en").encode())
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
    language = language_of(request.headers.get("accept-language", "en").encode())
    title = getattr(NO_SUCH_METHOD if status == 405 else KINDS[NotFound].title, language)
    body = msgspec.json.encode(
        {"type": "about:blank", "title": title, "status": status, "detail": title}
    )
    headers = {**(getattr(error, "headers", None) or {}), "cache-control": "no-store"}
    return Response(body, status, headers, media_type=MEDIA_TYPE.decode())


def bug() -> tuple[int, Headers, bytes]:
    """Return the problem document of an unexpected error; details are only in the log."""
    body = msgspec.json.encode(
        {
            "type": "about:blank",
            "title": "Something went wrong on our side",
            "status": 500,
            "detail": "nothing was confirmed; trying again is safe",
        }
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
