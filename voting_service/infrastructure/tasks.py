"""Keep background tasks running for the life of a process, log their failures, end them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog

from voting_service.errors import VotingError
from voting_service.infrastructure import metrics

CANCEL_AGAIN_SECONDS = 0.5
PAUSE_AFTER_FAILURE_SECONDS = 0.5
"""Keeps a task that fails immediately from using a whole processor."""

log = structlog.get_logger(__name__)


class FailureLog:
    """Logs and counts the failures of one task.

    A bug is logged with its traceback when it first appears, and in one line while it repeats.
    `voting_loop_failures_total` counts every failure under `loop`.
    """

    def __init__(self, loop: str, event: str = "loop_failed") -> None:
        self._loop = loop
        self._event = event
        self._latest: dict[str, str] = {}

    def add(self, error: BaseException, **context: str) -> None:
        """Log and count a failure. `context` goes into the log line, such as the contest."""
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
        """Forget the last failure: the next one is logged with its traceback."""
        self._latest.pop(repr(context), None)


async def run_forever(
    loop: str, work: Callable[[], Awaitable[None]], *, pause_seconds: float = 0.0
) -> None:
    """Run `work` repeatedly, `pause_seconds` apart, until the task is cancelled.

    An error of `work` does not end the task: it is logged as `loop_failed`, counted under `loop`,
    and the next run starts after a pause.
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
    """Return whether this task was cancelled.

    A library can also raise CancelledError when a future that it waits for is cancelled.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all have ended, ignoring their errors.

    One cancellation may not be enough: `asyncio.wait_for` before Python 3.12, and libraries that
    use it, lose a cancellation that arrives just when the awaited future is done.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        ended, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
        for task in ended:
            if not task.cancelled():
                task.exception()
