"""Waiting for what another process does: it can only be asked again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.05


async def seconds_until(
    is_so: Callable[[], Awaitable[bool]], within_seconds: float
) -> float | None:
    """How long it took until `is_so`; None when it did not come within the time."""
    begins_at = time.monotonic()
    while True:
        if await is_so():
            return time.monotonic() - begins_at
        if time.monotonic() - begins_at > within_seconds:
            return None
        await asyncio.sleep(POLL_SECONDS)
