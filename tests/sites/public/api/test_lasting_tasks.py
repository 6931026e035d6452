"""Whatever a lasting task meets, it goes on, and log, metric and readyz name it."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from prometheus_client import REGISTRY
from redis import exceptions as redis_errors
from structlog.testing import capture_logs

from tests.contest_data import SLUG
from tests.jobs.queue_workers import QUICK
from tests.patience import eventually
from tests.sites.public.api.running_service import Service
from voting_service.errors import Fault, InvalidInput, Refused, StoreUnavailable
from voting_service.infrastructure import tasks
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.tasks import LastingTask, TaskState, end_tasks, lasting_tasks
from voting_service.jobs import queue_worker
from voting_service.jobs.loop_runner import Loop, run_loop
from voting_service.jobs.queue_worker import run_queue_worker
from voting_service.nomination.awards.render_jobs import DOCUMENT_JOBS
from voting_service.staff.jobs.model import JobContext


class Unspeakable(Exception):
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


ERRORS: list[BaseException] = [
    *(kind("of any kind") for kind in (ValueError, KeyError, IndexError, TypeError, NameError)),
    *(kind("of any kind") for kind in (AttributeError, RuntimeError, RecursionError, MemoryError)),
    *(kind("of any kind") for kind in (AssertionError, ZeroDivisionError, OverflowError, EOFError)),
    *(kind("of any kind") for kind in (TimeoutError, StopAsyncIteration, SystemExit, Unspeakable)),
    OSError(errno.ENOSPC, "no space left"),
    ConnectionResetError("reset"),
    BrokenPipeError("pipe"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    GeneratorExit(),
    asyncio.CancelledError(),
    asyncio.InvalidStateError("state"),
    BaseExceptionGroup("several", [ValueError("one"), SystemExit(2)]),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.UndefinedTableError("no such table"),
    asyncpg.ConnectionDoesNotExistError("gone"),
    asyncpg.InvalidPasswordError("wrong"),
    asyncpg.TooManyConnectionsError(),
    redis_errors.ConnectionError("gone"),
    redis_errors.ResponseError("READONLY"),
    httpx.ConnectError("refused"),
    ssl.SSLError("certificate"),
    msgspec.DecodeError("truncated"),
    StoreUnavailable("errors.busy"),
    Refused("errors.busy"),
    InvalidInput(Fault("field", "errors.busy")),
]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PAUSE_AFTER_FAILURE_SECONDS", 0.001)
    monkeypatch.setattr(tasks, "LONGEST_PAUSE_SECONDS", 0.002)


def failures(loop: str) -> float:
    return REGISTRY.get_sample_value("voting_loop_failures_total", {"loop": loop}) or 0.0


def succeeded_at(loop: str) -> float:
    name = "voting_loop_success_timestamp_seconds"
    return REGISTRY.get_sample_value(name, {"loop": loop}) or 0.0


class Killer:
    """Stands in for what a task calls, and raises one error after another; then it lets it work."""

    def __init__(self, loop: str, target: Any, name: str) -> None:
        self.loop, self._target, self._name = loop, target, name
        self.failures_before = failures(loop)
        self._original = getattr(target, name)
        self.errors = list(ERRORS)
        self.holds_on = False
        setattr(target, name, self)

    def restore(self) -> None:
        setattr(self._target, self._name, self._original)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        async def call() -> Any:
            if self.errors:
                raise self.errors.pop(0)
            if self.holds_on:
                raise ValueError("and on")
            return await self._original(*args, **kwargs)

        return call()


async def survives(killer: Killer, seen_failing: Callable[[], Any] | None = None) -> list[Any]:
    """Wait until the task has met every error and works again; return its lines of the log."""
    loop, killer.holds_on = killer.loop, True
    with capture_logs() as logged:
        await eventually(lambda: not killer.errors)
        if seen_failing is not None:
            await eventually(seen_failing)
        killer.holds_on = False
        await eventually(lambda: lasting_tasks()[loop].state == TaskState.OK)
    assert failures(loop) >= killer.failures_before + len(ERRORS)
    return [line for line in logged if line.get("loop") == loop]


async def test_every_task_of_the_public_site_survives_every_error(service: Service) -> None:
    assert len(ERRORS) >= 30
    state = service.state
    contest_state = state.contest_state(SLUG)
    session = await service.open_session()
    voting = asyncio.create_task(service.cast(session, [1]))
    for loop, target, method in (
        ("registry", state.registry, "refresh"),
        ("clock", state.clock_watch, "measure"),
        ("standby", state.standby_watch, "look"),
        ("counters", state.counter_feed, "flush"),
        ("caster", contest_state.pipeline._slots, "acquire"),
    ):
        killer = Killer(loop, target, method)
        state.counter_feed._arrived.set()
        contest_state.pipeline._arrived.set()

        async def is_named(name: str = loop) -> bool:
            shown = (await service.client.get("/readyz")).json()
            return bool(shown["failing_tasks"].get(name) == "failing")

        logged = await survives(killer, is_named)
        assert {line["event"] for line in logged} == {"loop_failed"}
        assert succeeded_at(loop) > 0
    answer = await voting
    assert answer.status_code == 201
    assert (await service.client.get("/readyz")).json()["failing_tasks"] == {}


async def test_every_loop_of_work_survives_every_error(database_url: str) -> None:
    class Rounds:
        async def work(self, _connection: object) -> None:
            pass

    rounds = Rounds()
    killer = Killer("test loop", rounds, "work")
    loop = Loop("test loop", 0.001, rounds.work)
    running = asyncio.create_task(run_loop(loop, database_url))
    await eventually(lambda: "test loop" in lasting_tasks())
    await survives(killer)
    await end_tasks([running])
    assert "test loop" not in lasting_tasks()


async def test_the_queue_worker_survives_every_error(service: Service) -> None:
    state = service.state
    context = JobContext(
        Database(state.pool, state.settings.database_url), state.settings, state.clock
    )
    killer = Killer("jobs", queue_worker, "connect")
    running = asyncio.create_task(run_queue_worker([DOCUMENT_JOBS], context, QUICK))
    await eventually(lambda: "jobs" in lasting_tasks())
    await survives(killer)
    killer.restore()
    await end_tasks([running])


async def test_a_task_that_hangs_or_does_not_run_is_named() -> None:
    hangs = LastingTask("hangs", stuck_after_seconds=0.0)
    running = asyncio.create_task(hangs.run(asyncio.Event().wait))  # type: ignore[arg-type]
    await eventually(lambda: lasting_tasks(["hangs"])["hangs"].state == TaskState.STUCK)
    await end_tasks([running])
    assert lasting_tasks(["hangs"])["hangs"] == (TaskState.STOPPED, None)
