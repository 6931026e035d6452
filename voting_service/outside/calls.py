"""Calls to other people's servers: a deadline on the whole, a bounded answer, no redirects."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import httpx

from voting_service.errors import Unavailable

DEADLINE_SECONDS = 3.0
"""From the first byte sent to the last byte read, whatever the server does in between."""
MAX_ANSWER_BYTES = 64 * 1024
MAX_CALLS_PER_HOST = 64
"""Calls under way to one host; more are refused at once, so that a slow provider holds up
neither the users of another nor the memory of this worker."""

# httpx logs whole addresses at INFO, and WeChat takes its secret and the user's code in one.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Answer(NamedTuple):
    """What came back; `status` is never a redirect."""

    status: int
    body: bytes


class Outside:
    """An HTTP client whose every fault is Unavailable, in words fit for the user to read."""

    def __init__(
        self, client: httpx.AsyncClient, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._client = client
        self._deadline_seconds = deadline_seconds
        self._under_way: Counter[str] = Counter()

    async def get(self, url: str, parameters: Mapping[str, str] | None = None) -> Answer:
        return await self._send(self._client.build_request("GET", url, params=parameters))

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Posts `body` as it is; `headers` name its type."""
        return await self._send(
            self._client.build_request("POST", url, content=body, headers=dict(headers))
        )

    async def post_form(
        self, url: str, form: Mapping[str, str], *, user: str, password: str
    ) -> Answer:
        """Posts a form with HTTP Basic credentials."""
        request = self._client.build_request("POST", url, data=dict(form))
        return await self._send(request, httpx.BasicAuth(user, password))

    async def _send(self, request: httpx.Request, auth: httpx.Auth | None = None) -> Answer:
        host = request.url.netloc.decode("ascii", "replace")
        if self._under_way[host] >= MAX_CALLS_PER_HOST:
            raise Unavailable(f"too many sign-ins are waiting for {host}")
        self._under_way[host] += 1
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._read(request, auth, host)
        except TimeoutError:
            raise Unavailable(f"{host} did not answer in time") from None
        except httpx.HTTPError as error:
            # The error would carry the request, and with it the secret, into a traceback.
            raise Unavailable(f"{host} cannot be reached ({type(error).__name__})") from None
        finally:
            self._under_way[host] -= 1

    async def _read(self, request: httpx.Request, auth: httpx.Auth | None, host: str) -> Answer:
        # A packed answer of a few bytes could unpack to gigabytes; none is asked for or taken.
        request.headers["accept-encoding"] = "identity"
        request.headers["accept"] = "application/json"
        response = await self._client.send(request, stream=True, auth=auth, follow_redirects=False)
        try:
            if response.is_redirect:
                raise Unavailable(f"{host} answered with a redirect, which is not followed")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Unavailable(f"{host} answered in an encoding that was not asked for")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise Unavailable(f"{host} answered more than {MAX_ANSWER_BYTES} bytes")
            return Answer(response.status_code, bytes(body))
        finally:
            await response.aclose()
