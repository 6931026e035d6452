"""Background tasks survive every error and end when they are cancelled."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.patience import PATIENCE_SECONDS
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure import tasks
from voting_service.infrastructure.tasks import (
    FailureLog,
    end_tasks,
    run_forever,
)


async def test_a_task_that_swallows_its_cancellation_ends_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if swallowed == 2:
                    raise
                swallowed += 1

    async def failing() -> None:
        await asyncio.sleep(0)
        raise RuntimeError("dropped")

    going = [asyncio.create_task(stubborn()), asyncio.create_task(failing())]
    await asyncio.sleep(0)
    await end_tasks(going)
    assert swallowed == 2
    assert all(task.done() for task in going)
    await end_tasks([])


def failures(loop: str) -> float:
    return REGISTRY.get_sample_value("voting_loop_failures_total", {"loop": loop}) or 0.0


async def test_a_lasting_task_survives_whatever_a_round_raises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "PAUSE_AFTER_FAILURE_SECONDS", 0.001)
    errors = [ValueError("a bug"), StoreUnavailable("away"), asyncio.CancelledError(), None]
    rounds, before, done = 0, failures("test"), asyncio.Event()

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds > len(errors):
            done.set()
            return
        error = errors[rounds - 1]
        if error is not None:
            raise error

    with capture_logs() as logged:
        task = asyncio.create_task(run_forever("test", work, pause_seconds=0.001))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await done.wait()
        await end_tasks([task])
    assert task.cancelled()
    assert failures("test") == before + 3
    assert [line["reason"] for line in logged] == ["ValueError: a bug", "away", "CancelledError: "]
    assert all(line["event"] == "loop_failed" and line["loop"] == "test" for line in logged)
    assert isinstance(logged[0]["exc_info"], ValueError)


def test_a_failure_that_repeats_has_one_traceback() -> None:
    with capture_logs() as logged:
        log = FailureLog("test")
        for contest in ("a", "b", "a", "a"):
            log.add(ValueError("a bug"), contest=contest)
        log.clear(contest="a")
        log.add(ValueError("a bug"), contest="a")
    assert ["exc_info" in line for line in logged] == [True, True, False, False, True]
