"""Cross-origin reads and votes from the pages of registered platforms (CORS)."""

from __future__ import annotations

from collections.abc import Set

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voting_service.web.problems import Headers

_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"600"),
]
VARY_ORIGIN = (b"vary", b"Origin")
"""On every answer that a cache may keep, asked with an Origin or without: else a page would be
given the answer that was kept for somebody without one, and not be allowed to read it."""


def allow_origin(origins: Set[str], origin: bytes) -> Headers:
    """The headers that let a registered origin read the answer; none for any other."""
    if origin.decode("latin-1") in origins:
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"etag, retry-after"),
        ]
    return []


class CrossOrigin:
    """Answers preflights and marks answers of the wrapped endpoints; costs requests without an
    Origin header nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = next((v for n, v in scope.get("headers", ()) if n == b"origin"), b"")
        if not origin or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origins: Set[str] = scope["state"]["worker"].origins
        allowed = allow_origin(origins, origin)
        if scope["method"] == "OPTIONS":
            await send(
                {"type": "http.response.start", "status": 204, "headers": _PREFLIGHT + allowed}
            )
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *allowed]
            await send(message)

        await self._app(scope, receive, send_marked)
