"""Lists and profiles that were reached with a filter.

Anyone can make up filters, and rendering a list takes longer than a vote. So these pages are
rendered in one thread, a few may wait for it, and one order of the list serves everybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from voting_service.errors import busy
from voting_service.i18n.text import Language
from voting_service.sites.public.caches.candidate_list import ListFilter
from voting_service.sites.shared.prepared_pages import PreparedPage

T = TypeVar("T")

MAX_PAGES = 256
"""Pages kept; the oldest go first."""
MAX_WAITING = 32
"""Pages that are rendered or wait for it at a time in one worker."""
TIMEOUT_SECONDS = 10.0


class FilteredPage(NamedTuple):
    """A list, or the profile with a number, as a filter shows it."""

    language: Language
    list_filter: ListFilter
    number: int | None


class FilteredPages:
    """The pages that were rendered. Written by the thread of `RenderQueue` only."""

    def __init__(self) -> None:
        self._pages: dict[FilteredPage, PreparedPage] = {}

    def get(self, filtered_page: FilteredPage) -> PreparedPage | None:
        """Return a page, or None if it has to be rendered."""
        return self._pages.get(filtered_page)

    def keep(self, filtered_page: FilteredPage, page: PreparedPage) -> PreparedPage:
        """Keep a page and return it."""
        self._pages[filtered_page] = page
        if len(self._pages) > MAX_PAGES:
            del self._pages[next(iter(self._pages))]
        return page


class RenderQueue:
    """The thread of one worker that renders pages, one at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pages")
        self._waiting = 0

    async def run(self, render: Callable[[], T]) -> T:
        """Return what `render` returns. Raises Unavailable if too many wait, or for too long."""
        if self._waiting >= MAX_WAITING:
            raise busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, render)
        except TimeoutError:
            raise busy() from None
        finally:
            self._waiting -= 1
