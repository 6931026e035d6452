"""End event streams as soon as the process receives a stop signal.

uvicorn waits for open responses before it ends the lifespan, so open streams would delay every
restart by the whole grace period.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def set_on_signal(stopping: asyncio.Event) -> Iterator[None]:
    """Set the event at SIGTERM and SIGINT, then call the previous signal handler."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopping.set)
        handler = previous[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    replaced = {number: handler for number, handler in previous.items() if callable(handler)}
    for number in replaced:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)
