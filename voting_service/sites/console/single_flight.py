"""Reads that several people request at once are done once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
GOOD_FOR_SECONDS = 1.0
MOST_SECONDS = 5.0
REST = 10.0
"""After a read no other starts for ten times as long as it took, a few seconds at most, so that
readers use a small part of the database's time."""


class _Kept(NamedTuple):
    value: Any
    good_until: float


class SingleFlight:
    """Values by key, each loaded at most once a second and by one reader at a time."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Kept] = {}
        self._locks: dict[Hashable, asyncio.Lock] = {}

    async def get(self, key: Hashable, load: Callable[[], Awaitable[T]]) -> T:
        """Return a value that is still fresh, or the result of `load`. A failure is not kept."""
        now = asyncio.get_running_loop().time
        async with self._locks.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            began_at = now()
            if kept is None or began_at >= kept.good_until:
                value = await load()
                took = now() - began_at
                kept = _Kept(value, now() + min(MOST_SECONDS, max(GOOD_FOR_SECONDS, REST * took)))
                self._kept[key] = kept
            fresh: T = kept.value
            return fresh
