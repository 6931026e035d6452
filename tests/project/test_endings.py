"""Tasks that go on for ever end when they are told to."""

from __future__ import annotations

import asyncio

from voting_service.endings import end_tasks


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

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(failing())]
    await asyncio.sleep(0)
    await end_tasks(tasks)
    assert swallowed == 2
    assert all(task.done() for task in tasks)
    await end_tasks([])
