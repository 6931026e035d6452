"""Close the connection of clients whose requests take too long or are too large.

uvicorn limits the pause between two requests of a connection, by a timer per request, but neither
the time of a request nor the size of its head. Here one timer per connection watches both times: a
timer per request would cost more than reading it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from voting_service.errors import (
    Fault,
    MalformedInput,
    Unavailable,
)
from voting_service.sites.shared.problem_documents import Headers, problem

REQUEST_SECONDS = 15.0
"""From a request's first byte, or from the connection, to the end of its body."""
MAX_HEAD_BYTES = 32 * 1024
MAX_REQUEST_BYTES = 1024 * 1024
"""Far above any body that is read; it bounds what is sent after an answer of 413."""
UPLOAD_SECONDS = 150.0
MAX_UPLOAD_BYTES = 48 * 1024 * 1024
"""The same for uploads: two of the largest, over a slow line."""
OBJECTION_SECONDS = 90.0
"""The same for an objection with its files, on the public site."""
BUSY_SECONDS = 2


class PatientHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits on the time and size of a request."""

    _incomplete_since: float | None
    _idle_since: float | None
    _in_head: bool
    _received_bytes: int
    _look: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._incomplete_since = self.loop.time()
        self._idle_since = None
        self._in_head = True
        self._received_bytes = 0
        self._look = self.loop.call_later(self.request_seconds, self._look_after)

    @property
    def request_seconds(self) -> float:
        """Return how long a request may take to arrive."""
        return REQUEST_SECONDS

    @property
    def max_request_bytes(self) -> int:
        """Return how large a request may be."""
        return MAX_REQUEST_BYTES

    def on_message_begin(self) -> None:
        self._incomplete_since = self.loop.time()
        self._in_head = True
        self._received_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._idle_since = None
        super().on_headers_complete()
        self._in_head = False
        # uvicorn would add trailers to the headers, behind what a proxy wrote there.
        self.headers = []

    def on_message_complete(self) -> None:
        self._incomplete_since = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn's, but for the timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._incomplete_since is None or self.transport.is_closing():
            return
        self._received_bytes += len(data)
        if self._received_bytes <= MAX_HEAD_BYTES:
            return
        if self._in_head:
            self._refuse(Fault("", "sites.shared.head_too_large", limit_bytes=MAX_HEAD_BYTES))
        elif self._received_bytes > self.max_request_bytes:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer with a problem document."""
        self._refuse(Fault.verbatim("", msg))

    def _refuse(self, fault: Fault) -> None:
        status, headers, body = problem(MalformedInput(fault))
        lines = [*self.server_state.default_headers, *headers, (b"connection", b"close")]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in lines)
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + body)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        chosen: Any = self.too_busy if app is service_unavailable else app
        super()._start_asgi_task(cycle, chosen)

    async def too_busy(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer instead of the app when there are more connections than uvicorn may hold."""
        status, headers, body = self.busy(scope)
        headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def busy(self, _scope: Scope) -> tuple[int, Headers, bytes]:
        """Return status, headers and body of that answer, with a Retry-After."""
        return problem(
            Unavailable("sites.shared.too_many_connections", retry_after_seconds=BUSY_SECONDS)
        )

    def _look_after(self) -> None:
        now = self.loop.time()
        left = self.request_seconds
        if self._incomplete_since is not None:
            left -= now - self._incomplete_since
        elif self._idle_since is not None:
            left = min(left, self.timeout_keep_alive - (now - self._idle_since))
        if left <= 0:
            self.transport.close()
            return
        self._look = self.loop.call_later(left, self._look_after)


class UploadHttp(PatientHttp):
    """The same for the staff site, where files are uploaded. A client is not read beyond uvicorn's
    window unless the endpoint reads the body."""

    @property
    def request_seconds(self) -> float:
        return UPLOAD_SECONDS

    @property
    def max_request_bytes(self) -> int:
        return MAX_UPLOAD_BYTES
