"""Reads begin a few at a time."""

from __future__ import annotations

import asyncio

from tests.patience import eventually
from voting_service.sites.public.read_queue import READS_A_TURN, ReadQueue


async def test_what_needs_several_turns_does_not_wait_behind_all_reads() -> None:
    queue, begun = ReadQueue(), list[int]()
    for number in range(100 * READS_A_TURN):
        queue.add(lambda number=number: begun.append(number))  # type: ignore[misc]
    for turns in range(1, 11):  # a vote awaits its stores
        await asyncio.sleep(0)
        assert len(begun) <= turns * READS_A_TURN
    await eventually(lambda: len(begun) == 100 * READS_A_TURN)
    assert begun == sorted(begun), "in the order in which they came"
    queue.add(lambda: begun.append(-1))
    await eventually(lambda: begun[-1] == -1)


async def test_a_read_that_fails_holds_up_no_other() -> None:
    queue, begun, errors = ReadQueue(), list[int](), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))

    def fail() -> None:
        raise RuntimeError

    queue.add(fail)
    for number in range(2 * READS_A_TURN):
        queue.add(lambda number=number: begun.append(number))  # type: ignore[misc]
    await eventually(lambda: begun == list(range(2 * READS_A_TURN)))
    assert len(errors) == 1
