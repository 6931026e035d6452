"""Pages of what is in Postgres, the same for everybody: the cut, the result, notices.

Read once in every second of the clock, and rendered again only when what was read has changed. So
however often such a page is asked for, it costs votes nothing, and what appears at a moment appears
at that moment.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from voting_service.sites.shared.prepared_pages import PreparedPage

T = TypeVar("T")

MAX_PAGES = 256
"""The oldest go first. Only what exists is kept: an error of `load` is not."""


class _ShownPage(NamedTuple):
    second: datetime
    value: Any
    page: PreparedPage


class ShownPages:
    """Prepared pages by key."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Hashable, _ShownPage] = OrderedDict()
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def get(
        self,
        key: Hashable,
        now: datetime,
        load: Callable[[], Awaitable[T]],
        render: Callable[[T], bytes],
    ) -> PreparedPage:
        """Return the page under a key. Raises what `load` raises."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        second = now.replace(microsecond=0)
        async with lock:
            shown = self._pages.get(key)
            if shown is None or second != shown.second:
                value = await load()
                unchanged = shown is not None and value == shown.value
                page = shown.page if shown and unchanged else PreparedPage.of(render(value))
                self._keep(key, _ShownPage(second, value, page))
                return page
            return shown.page

    def _keep(self, key: Hashable, shown: _ShownPage) -> None:
        self._pages[key] = shown
        self._pages.move_to_end(key)
        while len(self._pages) > MAX_PAGES:
            self._pages.popitem(last=False)
