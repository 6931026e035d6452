"""Tasks that run for the life of a process: one way to keep them running, one way to end them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog

from voting_service import metrics
from voting_service.errors import VotingError

AGAIN_SECONDS = 0.5
PAUSE_AFTER_FAILURE_SECONDS = 0.5
"""A round that fails at once and needs no pause must not keep the processor busy."""

log = structlog.get_logger(__name__)


class FailureLog:
    """Logs and counts the failures of one task.

    A bug is logged with its traceback when it appears; while it repeats, one line a failure is
    enough. `voting_loop_failures_total` counts all of them under `loop`.
    """

    def __init__(self, loop: str, event: str = "loop_failed") -> None:
        self._loop = loop
        self._event = event
        self._latest: dict[str, str] = {}

    def add(self, error: BaseException, **context: str) -> None:
        """`context` goes into the log line: which contest, for example."""
        metrics.LOOP_FAILURES.labels(self._loop).inc()
        subject = repr(context)
        reason = f"{type(error).__name__}: {error}"
        is_repeated = self._latest.get(subject) == reason
        self._latest[subject] = reason
        if isinstance(error, VotingError):
            log.warning(self._event, loop=self._loop, reason=str(error), **context)
        elif is_repeated:
            log.error(self._event, loop=self._loop, reason=reason, repeated=True, **context)
        else:
            log.error(self._event, loop=self._loop, reason=reason, exc_info=error, **context)

    def clear(self, **context: str) -> None:
        """The next failure is a new one."""
        self._latest.pop(repr(context), None)


async def run_forever(
    loop: str, work: Callable[[], Awaitable[None]], *, pause_seconds: float = 0.0
) -> None:
    """Run `work` again and again, `pause_seconds` apart, until the task is cancelled.

    Nothing that `work` raises ends the task: it is logged as `loop_failed` and counted under
    `loop`, and the next round begins after a pause.
    """
    failures = FailureLog(loop)
    while True:
        pause = pause_seconds
        try:
            await work()
            failures.clear()
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
                raise
            failures.add(error)
            pause = max(pause_seconds, PAUSE_AFTER_FAILURE_SECONDS)
        if pause:
            await asyncio.sleep(pause)


def _is_being_cancelled() -> bool:
    """Whether somebody cancelled this task. A library can raise CancelledError by itself, when
    a future that it waits for is cancelled."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


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
