"""`GET …/standings/events`: the standings as server-sent events, at most one a second.

All readers get the same prepared message. How many there may be, and how often each gets it, is the
business of `event_streams.py`.
"""

from __future__ import annotations

from contextlib import ExitStack

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from voting_service.errors import Unavailable
from voting_service.sites.public.event_streams import Stream, message
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.problem_documents import Headers, problem_response

_HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class StandingsEvents:
    """The endpoint: a stream that begins with the current standings.

    A bare ASGI endpoint, because a stream that Starlette sends takes three tasks and not two.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: PublicState = scope["state"]["app_state"]
        slug: str = scope["path_params"]["slug"]
        cache = state.published_contest_state(slug).standings_cache
        shown = cache.shown()
        forwarded_for = b",".join(v for n, v in scope["headers"] if n == b"x-forwarded-for")
        peer = scope["client"][0] if scope["client"] else ""
        with ExitStack() as places:
            try:
                places.enter_context(state.streams.place(peer, forwarded_for.decode("latin-1")))
            except Unavailable as error:  # a connection kept open would take a vote's place
                response = problem_response(Request(scope), error)
                response.headers["connection"] = "close"
                await response(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return

            async def deliver(body: bytes) -> None:
                await send({"type": "http.response.body", "body": body, "more_body": True})

            await deliver(b"retry: 3000\n\n" + message(shown))
            stream = Stream(cache, shown, deliver)
            await state.streams.until_over(stream, receive)
        await send({"type": "http.response.body", "body": b""})
