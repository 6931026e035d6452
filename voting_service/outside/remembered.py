"""A document of another server, kept: fresh for a while, and used on while the server is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from voting_service.errors import Unavailable

FRESH_SECONDS = 300.0
RETRY_SECONDS = 10.0
"""The server is asked at most this often, whatever users send."""

T = TypeVar("T")
Monotonic = Callable[[], float]

log = structlog.get_logger(__name__)


class Remembered(Generic[T]):
    """What `fetch` returned last. `fetch` raises Unavailable when there is nothing to be had.

    A stale document is used for as long as its server is away: people go on voting, and staff
    who know that a platform's key is lost switch the platform off.
    """

    def __init__(self, name: str, fetch: Callable[[], Awaitable[T]], monotonic: Monotonic) -> None:
        self._name = name
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._stale_at = 0.0
        self._next_try_at: float | None = None

    async def get(self) -> T:
        """The document, asked for again when it is stale. Raises Unavailable without any."""
        if self._value is None:
            await self._ask()
        elif self._monotonic() >= self._stale_at and not self._lock.locked():
            await self._ask()  # the others need not wait for this one: what they have will do
        if self._value is None:
            raise Unavailable(f"{self._name} cannot be had now", round(RETRY_SECONDS))
        return self._value

    async def get_newer(self) -> T:
        """The document, asked for again unless that was done less than RETRY_SECONDS ago."""
        await self._ask()
        return await self.get()

    async def _ask(self) -> None:
        async with self._lock:
            if self._next_try_at is not None and self._monotonic() < self._next_try_at:
                return
            try:
                self._value = await self._fetch()
                self._stale_at = self._monotonic() + FRESH_SECONDS
            except Unavailable as error:
                log.warning("document_not_refreshed", document=self._name, reason=str(error))
            # Set after the answer: a caller who gives up half-way leaves the try to the next.
            self._next_try_at = self._monotonic() + RETRY_SECONDS
