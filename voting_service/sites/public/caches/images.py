"""Recently used picture files in memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from weakref import WeakValueDictionary

from voting_service.contests.pictures.repository import load_file
from voting_service.errors import NotFound
from voting_service.infrastructure.postgres.pool import Pool, acquire

MAX_KEPT_BYTES = 32 * 1024 * 1024
"""Memory limit per worker. The pictures of fifty candidates take about 10 MB."""


class FileCache:
    """Keeps the files requested last in memory, up to a limit. Simultaneous requests for a file
    cause one load."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, name: str, load: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return a file's bytes. Raises what `load` raises."""
        content = self._find(name)
        if content is not None:
            return content
        async with self._locks.setdefault(name, asyncio.Lock()):
            content = self._find(name)
            if content is None:
                content = await load()
                self._keep(name, content)
        return content

    def drop(self, is_gone: Callable[[str], bool]) -> None:
        """Drop the files whose names are gone."""
        for name in [name for name in self._kept if is_gone(name)]:
            self._kept_bytes -= len(self._kept.pop(name))

    def _find(self, name: str) -> bytes | None:
        content = self._kept.get(name)
        if content is not None:
            self._kept.move_to_end(name)
        return content

    def _keep(self, name: str, content: bytes) -> None:
        self._kept[name] = content
        self._kept_bytes += len(content)
        while self._kept_bytes > self._max_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)


class ImageCache:
    """The pictures of candidates, loaded from Postgres."""

    def __init__(self, pool: Pool) -> None:
        self.owners: Mapping[str, frozenset[int]] = {}
        """Contest ids by picture hash, for all pictures; unknown hashes cause no query."""
        self._pool = pool
        self._files = FileCache(MAX_KEPT_BYTES)

    def update(self, owners: Mapping[str, frozenset[int]]) -> None:
        """Set the existing pictures and drop the files of removed ones."""
        self.owners = owners
        self._files.drop(lambda name: name[:32] not in owners)

    async def read(self, name: str, picture_hash: str, width: int, format_: str) -> bytes:
        """Return a file's bytes. Raises NotFound or StoreUnavailable."""

        async def load() -> bytes:
            async with acquire(self._pool) as connection:
                content = await load_file(connection, picture_hash, width, format_)
            if content is None:
                raise NotFound("sites.public.caches.no_such_picture")
            return content

        return await self._files.get(name, load)
