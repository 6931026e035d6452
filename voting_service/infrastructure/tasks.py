"""Keep background tasks running for the life of a process, watch them, and end them.

Every task of a process that must last is a LastingTask: nothing that it raises ends it, and the
log, the metrics and `readyz` name it while it fails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from enum import StrEnum
from typing import Any, NamedTuple
from weakref import WeakSet

import structlog

from voting_service.errors import VotingError
from voting_service.infrastructure import metrics

CANCEL_AGAIN_SECONDS = 0.5
PAUSE_AFTER_FAILURE_SECONDS = 0.5
"""Keeps a task that fails immediately from using a whole processor; doubled while it fails."""
LONGEST_PAUSE_SECONDS = 4.0
"""How long a task may take to notice that its trouble is over."""

log = structlog.get_logger(__name__)


class TaskState(StrEnum):
    """How a lasting task is doing: its last round failed, takes too long, or it does not run."""

    OK = "ok"
    FAILING = "failing"
    STUCK = "stuck"
    STOPPED = "stopped"


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


class LastingTask:
    """A task that must last as long as its process, and what is known of it.

    `stuck_after_seconds` is how long a round may take, pause included; None for a task that waits
    for events.
    """

    def __init__(
        self, name: str, *, pause_seconds: float = 0.0, stuck_after_seconds: float | None = None
    ) -> None:
        self.name = name
        self._pause_seconds = pause_seconds
        self._stuck_after_seconds = stuck_after_seconds
        self._failures = FailureLog(name)
        self._succeeded_at = metrics.LOOP_SUCCESS.labels(name)
        self._alive_at = time.monotonic()
        self._is_failing = False

    @property
    def age_seconds(self) -> float:
        """Return how long ago the last round succeeded; before the first, since the start."""
        return time.monotonic() - self._alive_at

    @property
    def state(self) -> TaskState:
        """Return how the task is doing."""
        if self._is_failing:
            return TaskState.FAILING
        limit_seconds = self._stuck_after_seconds
        if limit_seconds is not None and self.age_seconds > limit_seconds:
            return TaskState.STUCK
        return TaskState.OK

    def beat(self) -> None:
        """Record that all is well: after every round, and in one that waits or lasts."""
        self._alive_at = time.monotonic()
        self._is_failing = False
        self._failures.clear()
        self._succeeded_at.set_to_current_time()

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` repeatedly, with a pause, until the task is cancelled.

        No error of `work` ends the task: it is logged as `loop_failed` and counted, and the next
        run starts after a pause that grows while it fails, to LONGEST_PAUSE_SECONDS at most.
        """
        own = asyncio.current_task()
        _lasting.add(self)
        back_off_seconds = PAUSE_AFTER_FAILURE_SECONDS
        try:
            while True:
                pause_seconds = self._pause_seconds
                try:
                    await work()
                except BaseException as error:
                    if _ends_task(error, own):
                        raise
                    self._is_failing = True
                    with suppress(Exception):  # an error may be unable to say what it is
                        self._failures.add(error)
                    pause_seconds = back_off_seconds
                    back_off_seconds = min(2 * back_off_seconds, LONGEST_PAUSE_SECONDS)
                else:
                    back_off_seconds = PAUSE_AFTER_FAILURE_SECONDS
                    self.beat()
                if pause_seconds:
                    await asyncio.sleep(pause_seconds)
        finally:
            _lasting.discard(self)


_lasting: WeakSet[LastingTask] = WeakSet()
"""The lasting tasks that run in this process."""


class Watched(NamedTuple):
    """State and age of a lasting task.

    The age is None if the task does not run; one that waits for events may be of any age.
    """

    state: TaskState
    age_seconds: float | None


def lasting_tasks(expected: Iterable[str] = ()) -> dict[str, Watched]:
    """Return state and age of the process's lasting tasks by name; the worst of a name.

    A task of `expected` that does not run is `stopped`.
    """
    shown = {name: Watched(TaskState.STOPPED, None) for name in expected}
    for task in sorted(_lasting, key=lambda task: (task.state != TaskState.OK, task.age_seconds)):
        shown[task.name] = Watched(task.state, task.age_seconds)
    return shown


async def run_forever(
    name: str,
    work: Callable[[], Awaitable[None]],
    *,
    pause_seconds: float = 0.0,
    stuck_after_seconds: float | None = None,
) -> None:
    """Run `work` as a LastingTask until cancelled."""
    task = LastingTask(name, pause_seconds=pause_seconds, stuck_after_seconds=stuck_after_seconds)
    await task.run(work)


def _ends_task(error: BaseException, own: asyncio.Task[Any] | None) -> bool:
    """Return whether this is the end of the process or of its task, not an error of a round.

    A library can also raise CancelledError when a future that it waits for is cancelled. A task
    that nobody holds any more is closed by GeneratorExit, from outside of it.
    """
    if isinstance(error, KeyboardInterrupt):
        return True
    if isinstance(error, GeneratorExit):
        try:
            return asyncio.current_task() is not own
        except RuntimeError:  # the event loop has ended
            return True
    return isinstance(error, asyncio.CancelledError) and (own is None or own.cancelling() > 0)


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
