"""Reads that wait to begin, so that a vote never waits behind all of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

READS_A_TURN = 8
"""Reads that begin in one turn of the event loop. A vote takes some ten turns from its request to
its receipt, as does the refresh of platforms, so a turn must be short however many readers ask."""


class ReadQueue:
    """The waiting reads of one worker: a few begin in each turn of the event loop, in the order in
    which they came. A connection has at most one, so there are never more than connections."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def add(self, begin: Callable[[], None]) -> None:
        """Call `begin` when it is its turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._begin_some)
        self._waiting.append(begin)

    def _begin_some(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(min(READS_A_TURN, len(self._waiting))):
            loop.call_soon(self._waiting.popleft())
        if self._waiting:
            loop.call_soon(self._begin_some)
