"""Wait for another process by polling."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.05


async def seconds_until(
    is_so: Callable[[], Awaitable[bool]], within_seconds: float
) -> float | None:
    """Return the seconds until a condition holds; None if it does not within the limit."""
    begins_at = time.monotonic()
    while True:
        if await is_so():
            return time.monotonic() - begins_at
        if time.monotonic() - begins_at > within_seconds:
            return None
        await asyncio.sleep(POLL_SECONDS)
