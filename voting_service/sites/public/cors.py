"""Cross-origin reads and votes from the pages of registered platforms (CORS)."""

from __future__ import annotations

from collections.abc import Set

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voting_service.sites.shared.problem_documents import Headers

_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"600"),
]
VARY_ORIGIN = (b"vary", b"Origin")
"""On every cacheable response, with or without an Origin in the request: otherwise a page could get
a cached response without the CORS headers."""


def allow_origin(origins: Set[str], origin: bytes) -> Headers:
    """Return the headers that let a registered origin read the response; none for others."""
    if origin.decode("latin-1") in origins:
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"etag, retry-after"),
        ]
    return []


class CrossOrigin:
    """Answer preflights and add CORS headers to responses. Requests without an Origin header pass
    through unchanged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = next((v for n, v in scope.get("headers", ()) if n == b"origin"), b"")
        if not origin or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origins: Set[str] = scope["state"]["app_state"].origins
        allowed = allow_origin(origins, origin)
        if scope["method"] == "OPTIONS":
            await send(
                {"type": "http.response.start", "status": 204, "headers": _PREFLIGHT + allowed}
            )
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *allowed]
            await send(message)

        await self._app(scope, receive, send_with_cors)
