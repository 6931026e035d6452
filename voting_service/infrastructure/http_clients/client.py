"""HTTP calls to external servers: with a total deadline, a size limit, no redirects."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import httpx

from voting_service.errors import Unavailable

DEADLINE_SECONDS = 3.0
"""From the first byte sent to the last byte read."""
MAX_ANSWER_BYTES = 64 * 1024
MAX_CALLS_PER_HOST = 64
"""Calls to one host at a time. Further calls fail at once, so that a slow server blocks neither
the users of another one nor the memory of this worker."""

MAX_IDLE_CONNECTIONS = 32

# httpx logs whole URLs at INFO; some servers take secrets and users' codes in them.
logging.getLogger("httpx").setLevel(logging.WARNING)


def open_http_client() -> httpx.AsyncClient:
    """Return a client for BoundedClient. It bounds no total: a few slow servers would use it up,
    and nobody could sign in through the others; each server has its own bound."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=MAX_IDLE_CONNECTIONS)
    return httpx.AsyncClient(timeout=5, follow_redirects=False, limits=limits)


class Answer(NamedTuple):
    """The answer of a server; `status` is never a redirect."""

    status: int
    body: bytes


class BoundedClient:
    """An HTTP client that raises Unavailable for every failure."""

    def __init__(
        self, client: httpx.AsyncClient, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._client = client
        self._deadline_seconds = deadline_seconds
        self._open_calls: Counter[str] = Counter()

    async def get(self, url: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """Get a URL with query parameters."""
        return await self._send(self._client.build_request("GET", url, params=parameters))

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body; `headers` name its type."""
        return await self._send(
            self._client.build_request("POST", url, content=body, headers=dict(headers))
        )

    async def post_form(
        self, url: str, form: Mapping[str, str], *, user: str, password: str
    ) -> Answer:
        """Post a form with HTTP Basic credentials."""
        request = self._client.build_request("POST", url, data=dict(form))
        return await self._send(request, httpx.BasicAuth(user, password))

    async def _send(self, request: httpx.Request, auth: httpx.Auth | None = None) -> Answer:
        host = request.url.netloc.decode("ascii", "replace")
        if self._open_calls[host] >= MAX_CALLS_PER_HOST:
            raise Unavailable("infrastructure.http_clients.too_many_calls", host=host)
        self._open_calls[host] += 1
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._read(request, auth, host)
        except TimeoutError:
            raise Unavailable("infrastructure.http_clients.timed_out", host=host) from None
        except httpx.HTTPError as error:
            # Without the cause: it holds the request, and with it secrets, in a traceback.
            raise Unavailable(
                "infrastructure.http_clients.unreachable", host=host, name=type(error).__name__
            ) from None
        finally:
            self._open_calls[host] -= 1

    async def _read(self, request: httpx.Request, auth: httpx.Auth | None, host: str) -> Answer:
        # No compression: a few bytes could decompress to gigabytes.
        request.headers["accept-encoding"] = "identity"
        request.headers["accept"] = "application/json"
        response = await self._client.send(request, stream=True, auth=auth, follow_redirects=False)
        try:
            if response.is_redirect:
                raise Unavailable("infrastructure.http_clients.redirected", host=host)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Unavailable("infrastructure.http_clients.unexpected_encoding", host=host)
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise Unavailable(
                        "infrastructure.http_clients.answer_too_large",
                        host=host,
                        max_answer_bytes=MAX_ANSWER_BYTES,
                    )
            return Answer(response.status_code, bytes(body))
        finally:
            await response.aclose()
