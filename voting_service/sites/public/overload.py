"""The HTTP protocol of the public site: reads of prepared bytes are answered at once, answers to
votes and sign-ins are one write, and what comes beyond what a worker can hold is refused."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from voting_service.errors import busy
from voting_service.sites.public.pages.error_pages import refusal
from voting_service.sites.public.prepared_reads import PreparedAnswer
from voting_service.sites.shared.problem_documents import Headers
from voting_service.sites.shared.slow_clients import (
    MAX_UPLOAD_BYTES,
    OBJECTION_SECONDS,
    PatientHttp,
)

MAX_READS = 512
"""Reads that one worker has in hand at a time. Beyond, a read is answered 503 without being looked
at, so that a flood of reads holds up neither votes and sign-ins nor the refresh of platforms."""
_FIRST = ("POST", "OPTIONS")
"""Votes and sign-ins, and the question with which a browser precedes them from another origin."""
CROWDED_SHARE = 0.75
"""From this part of the connections on, each is closed after its answer, to make room."""


COPIED_BYTES = 4096
"""Bodies up to this size are copied behind their head: one buffer is quicker to send than two."""


class PublicHttpProtocol(PatientHttp):
    """Refuse like the full ballot queue: a page for browsers, a problem document for others."""

    @property
    def request_seconds(self) -> float:
        return OBJECTION_SECONDS if self._has_files() else super().request_seconds

    @property
    def max_request_bytes(self) -> int:
        return MAX_UPLOAD_BYTES if self._has_files() else super().max_request_bytes

    def _has_files(self) -> bool:
        """Return whether the request is the one form that takes files. A client is not read beyond
        uvicorn's window unless its endpoint reads the body."""
        return getattr(self, "url", b"").endswith(b"/objection")

    def busy(self, scope: Scope) -> tuple[int, Headers, bytes]:
        return refusal(scope, busy())

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        limit = self.limit_concurrency
        if limit is not None and len(self.connections) > CROWDED_SHARE * limit:
            cycle.keep_alive = False
        if app is service_unavailable:
            super()._start_asgi_task(cycle, app)
        elif cycle.scope["method"] in _FIRST:
            super()._start_asgi_task(cycle, OneWrite(self, cycle, app))
        else:
            self.app_state["app_state"].reads.add(lambda: self._begin_read(cycle, app))

    def _begin_read(self, cycle: Any, app: Any) -> None:
        if cycle.disconnected or self.transport.is_closing():
            return
        # Who does not read what was sent waits in the app, which waits for the connection.
        answer = None if cycle.flow.write_paused else self._prepared(cycle)
        if answer is not None:
            self.write(cycle, *answer)
            return
        reads = len(self.tasks) - self.app_state["app_state"].streams.count
        super()._start_asgi_task(cycle, self.too_many_reads if reads > MAX_READS else app)

    def _prepared(self, cycle: Any) -> PreparedAnswer | None:
        answer: PreparedAnswer | None = self.app_state["prepared_reads"].answer(cycle.scope)
        return answer

    def write(self, cycle: Any, status: int, headers: Headers, body: bytes) -> None:
        """Send an answer as RequestResponseCycle.send does, with one write."""
        cycle.response_started = cycle.response_complete = True
        head = STATUS_LINE[status] + _lines([*headers, *cycle.default_headers])
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        if cycle.scope["method"] == "HEAD":
            self.transport.write(head + end)
        elif len(body) <= COPIED_BYTES:
            self.transport.write(head + end + body)
        else:
            self.transport.writelines([head + end, body])
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        cycle.on_response = _nothing  # it holds the protocol, which holds the cycle

    async def too_many_reads(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer instead of the app; the connection stays."""
        status, headers, body = self.busy(scope)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class OneWrite:
    """An app whose answer is written at once, head and body: two writes would be two calls of the
    system and two packets. An answer in pieces, or to a client that does not read, goes the
    server's own way."""

    __slots__ = ("_app", "_cycle", "_protocol", "_start")

    def __init__(self, protocol: PublicHttpProtocol, cycle: Any, app: ASGIApp) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self._app = app
        self._start: Message | None = None

    def __call__(self, scope: Scope, receive: Receive, _send: Send) -> Awaitable[None]:
        return self._app(scope, receive, self._send)

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        cycle = self._cycle
        if start is None:
            await cycle.send(message)
        elif _is_whole(start, message) and not (cycle.disconnected or cycle.flow.write_paused):
            self._protocol.write(cycle, start["status"], start["headers"], message["body"])
        else:
            await cycle.send(start)
            await cycle.send(message)


def _is_whole(start: Message, message: Message) -> bool:
    """Whether a message is all of the body, its length is in the head, and the head leaves the
    connection to the server."""
    names = dict(start["headers"])
    return (
        not message.get("more_body") and b"content-length" in names and b"connection" not in names
    )


def _lines(headers: Headers) -> bytes:
    """Return headers as HTTP/1.1 sends them."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def _nothing() -> None:
    pass
