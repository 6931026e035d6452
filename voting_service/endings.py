"""Ending tasks that go on for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 0.5


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels tasks until all have ended; what they raise is dropped.

    Once is not enough: `asyncio.wait_for` before Python 3.12, and libraries that build on it,
    swallow a cancellation that comes in the moment in which what they wait for is done.
    """
    going = set(tasks)
    while going:
        for task in going:
            task.cancel()
        ended, going = await asyncio.wait(going, timeout=AGAIN_SECONDS)
        for task in ended:
            if not task.cancelled():
                task.exception()
