"""What several people look at at once is read once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
GOOD_FOR_SECONDS = 1.0
MOST_SECONDS = 5.0
REST = 10.0
"""A read rests ten times as long as it took, for a few seconds at most, so that readers, however
many, keep the database busy for a small part of the time."""


class _Kept(NamedTuple):
    value: Any
    good_until: float


class SharedReads:
    """Values by key, each read anew at most once a second, by one reader at a time."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Kept] = {}
        self._locks: dict[Hashable, asyncio.Lock] = {}

    async def get(self, key: Hashable, load: Callable[[], Awaitable[T]]) -> T:
        """The value of a moment ago, or what `load` gives now. Nothing is kept of a failure."""
        now = asyncio.get_running_loop().time
        async with self._locks.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            began_at = now()
            if kept is None or began_at >= kept.good_until:
                value = await load()
                took = now() - began_at
                kept = _Kept(value, now() + min(MOST_SECONDS, max(GOOD_FOR_SECONDS, REST * took)))
                self._kept[key] = kept
            found: T = kept.value
            return found
