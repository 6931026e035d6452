"""A cached document of an external server, which stays in use while the server is unavailable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from voting_service.errors import Unavailable
from voting_service.i18n.text import Text

FRESH_SECONDS = 300.0
RETRY_SECONDS = 10.0
"""The shortest time between two requests to the server."""

T = TypeVar("T")
Monotonic = Callable[[], float]

log = structlog.get_logger(__name__)


class Remembered(Generic[T]):
    """The last result of `fetch`, which raises Unavailable if it fails.

    A stale document stays in use while its server is unavailable, so that users can still sign in.
    If a key is compromised, staff switch off whatever uses it.
    """

    def __init__(self, name: Text, fetch: Callable[[], Awaitable[T]], monotonic: Monotonic) -> None:
        self._name = name
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._stale_at = 0.0
        self._next_try_at: float | None = None

    async def get(self) -> T:
        """Return the document, refreshed if it is stale. Raises Unavailable if there is none."""
        if self._value is None:
            await self._refresh()
        elif self._monotonic() >= self._stale_at and not self._lock.locked():
            await self._refresh()  # other callers use the stale one
        if self._value is None:
            raise Unavailable(
                "infrastructure.http_clients.document_unavailable",
                retry_after_seconds=round(RETRY_SECONDS),
                name=self._name,
            )
        return self._value

    async def get_newer(self) -> T:
        """Return the document, refreshed unless that was done less than RETRY_SECONDS ago."""
        await self._refresh()
        return await self.get()

    async def _refresh(self) -> None:
        async with self._lock:
            if self._next_try_at is not None and self._monotonic() < self._next_try_at:
                return
            try:
                self._value = await self._fetch()
                self._stale_at = self._monotonic() + FRESH_SECONDS
            except Unavailable as error:
                log.warning("document_not_refreshed", document=self._name.en, reason=str(error))
            # Set after the answer, so that a cancelled caller leaves the attempt to the next one.
            self._next_try_at = self._monotonic() + RETRY_SECONDS
