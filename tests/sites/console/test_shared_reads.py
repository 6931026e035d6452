"""Many who look at the same figures cost one read."""

from __future__ import annotations

import asyncio

import pytest

from voting_service.errors import StoreUnavailable
from voting_service.sites.console import single_flight
from voting_service.sites.console.single_flight import SingleFlight


async def test_a_hundred_readers_are_one_read() -> None:
    reads = SingleFlight()
    count = 0

    async def load() -> int:
        nonlocal count
        count += 1
        await asyncio.sleep(0)
        return count

    assert await asyncio.gather(*(reads.get("a", load) for _ in range(100))) == [1] * 100
    assert await reads.get("b", load) == 2


async def test_it_is_read_again_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_flight, "GOOD_FOR_SECONDS", 0.0)
    monkeypatch.setattr(single_flight, "REST", 0.0)
    reads = SingleFlight()
    values = iter([1, 2])

    async def load() -> int:
        return next(values)

    assert [await reads.get("a", load), await reads.get("a", load)] == [1, 2]


async def test_a_failure_is_not_kept() -> None:
    reads = SingleFlight()

    async def fail() -> int:
        raise StoreUnavailable("away")

    async def load() -> int:
        return 3

    with pytest.raises(StoreUnavailable):
        await reads.get("a", fail)
    assert await reads.get("a", load) == 3
