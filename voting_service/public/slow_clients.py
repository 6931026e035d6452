"""Hangs up on clients that take for ever to send a request.

uvicorn bounds the pause between two requests of a connection, not a request that trickles in.
One timer a connection looks after that: a timer a request would cost more than reading it.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS = 15.0
"""From a request's first byte, or from the connection, to the end of its body."""


class PatientHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with an end to its patience."""

    _incomplete_since: float | None
    _look: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._incomplete_since = self.loop.time()
        self._look = self.loop.call_later(REQUEST_SECONDS, self._look_after)

    def on_message_begin(self) -> None:
        self._incomplete_since = self.loop.time()
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._incomplete_since = None
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        super().connection_lost(exc)

    def _look_after(self) -> None:
        since = self._incomplete_since
        if since is not None and self.loop.time() - since >= REQUEST_SECONDS:
            self.transport.close()
            return
        self._look = self.loop.call_later(REQUEST_SECONDS, self._look_after)
