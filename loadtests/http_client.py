"""A light HTTP/1.1 keep-alive client with prepared requests and minimal parsing.

It must cost far less than the measured servers. It supports only what they answer: a content-length
on every answer with a body, no chunks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


class ConnectionLostError(Exception):
    """The connection ended before the answer; whether the request took effect is unknown."""


class Response(NamedTuple):
    """An answer; `head` is the status line and the raw headers."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        lower_name = name.lower()
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower().decode("latin-1") == lower_name:
                return value.strip().decode("latin-1")
        return None


@dataclass(frozen=True, slots=True)
class Target:
    """The target of requests, from a URL such as `http://127.0.0.1:8000`."""

    host: str
    port: int

    @classmethod
    def of(cls, address: str) -> Target:
        parts = urlsplit(address)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"an http:// address is needed, not {address!r}")
        return cls(parts.hostname, parts.port or 80)


def prepare(
    method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + _HEAD_END + (body or b"")


def take_response(buffer: bytes) -> tuple[Response, bytes] | None:
    """Return the first answer in `buffer` and the rest, or None while it is incomplete.

    Raises ValueError for an unsupported answer.
    """
    end = buffer.find(_HEAD_END)
    if end < 0:
        return None
    head = buffer[:end]
    status = int(head[9:12])
    lowered = head.lower()
    at = lowered.find(_LENGTH)
    if at >= 0:
        start = at + len(_LENGTH)
        stop = head.find(b"\r\n", start)
        length = int(head[start : stop if stop >= 0 else end])
    elif status in (204, 304) or status < 200:
        length = 0
    else:
        raise ValueError(f"an answer without a content-length: {head[:120]!r}")
    body_start = end + len(_HEAD_END)
    if len(buffer) < body_start + length:
        return None
    body = buffer[body_start : body_start + length]
    return Response(status, head, body), buffer[body_start + length :]


class Wire(asyncio.Protocol):
    """A connection with at most one request at a time."""

    def __init__(
        self, on_response: Callable[[Wire, Response], None], on_lost: Callable[[Wire], None]
    ) -> None:
        self.sent_at = 0.0
        self.busy = False
        self._on_response = on_response
        self._on_lost = on_lost
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes, now: float) -> None:
        """Send a request; latency counts from `now`, when it was due."""
        assert self._transport is not None
        self.sent_at = now
        self.busy = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        taken = take_response(self._buffer)
        if taken is not None:
            response, self._buffer = taken
            self.busy = False
            self._on_response(self, response)

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Caller:
    """A keep-alive connection that reconnects if necessary."""

    def __init__(self, target: Target, timeout_seconds: float = 15.0) -> None:
        self._target = target
        self._timeout_seconds = timeout_seconds
        self._wire: Wire | None = None
        self._answer: asyncio.Future[Response] | None = None

    async def call(self, request: bytes) -> Response:
        """Send a request and return the answer.

        Raises ConnectionLostError without an answer, ConnectionError if no server listens.
        """
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if self._wire is None:
                    _, self._wire = await loop.create_connection(
                        lambda: Wire(self._on_response, self._on_lost),
                        self._target.host,
                        self._target.port,
                    )
                self._wire.send(request, loop.time())
                return await self._answer
        except TimeoutError:
            self.close()
            raise ConnectionLostError(f"no answer in {self._timeout_seconds} s") from None

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _on_response(self, _wire: Wire, response: Response) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(response)

    def _on_lost(self, wire: Wire) -> None:
        if wire is not self._wire:
            return
        self._wire = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(
                ConnectionLostError("the connection ended before the answer")
            )
