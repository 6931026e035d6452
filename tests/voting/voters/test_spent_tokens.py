"""A token is used once, with Valkey and, as far as one process can know, without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.patience import patient_valkey
from tests.voting.voters.conftest import MovableClock
from voting_service.demo.embedded_server import free_port
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting import metrics
from voting_service.voting.voters.used_tokens import UsedTokens


def answered_locally() -> float:
    [metric] = metrics.USED_TOKENS_LOCAL.collect()
    return next(s.value for s in metric.samples if s.name == "voting_used_tokens_local_total")


@pytest.fixture
async def absent_store() -> AsyncIterator[Valkey]:
    store = Valkey(f"redis://127.0.0.1:{free_port()}/0")
    yield store
    await store.close()


async def test_a_token_is_spent_once(valkey_client: Valkey) -> None:
    used = UsedTokens(valkey_client)
    assert await used.mark_used(1, "a", 180)
    assert not await used.mark_used(1, "a", 180)
    assert await used.mark_used(1, "b", 180)


async def test_platforms_may_use_the_same_jti(valkey_client: Valkey) -> None:
    used = UsedTokens(valkey_client)
    assert await used.mark_used(1, "a", 180)
    assert await used.mark_used(2, "a", 180)


async def test_of_many_tries_at_several_workers_one_succeeds(valkey_client: Valkey) -> None:
    before = answered_locally()
    workers = [UsedTokens(valkey_client) for _ in range(8)]
    tries = [worker.mark_used(1, "a", 180) for worker in workers for _ in range(50)]
    assert sum(await asyncio.gather(*tries)) == 1
    assert answered_locally() == before, "Valkey must have answered"


async def test_the_store_holds_a_hash_for_the_token_s_life_only(
    valkey_client: Valkey, valkey_url: str
) -> None:
    await UsedTokens(valkey_client).mark_used(1, "planted-user-id", 180)
    client: Any = Redis.from_url(valkey_url)
    [key] = await client.keys("*")
    assert b"planted" not in key
    assert key.startswith(b"jti:{")
    assert await client.get(key) == b""
    assert 175 < await client.ttl(key) <= 180
    await client.aclose()


async def test_without_valkey_a_worker_remembers_and_counts(absent_store: Valkey) -> None:
    before = answered_locally()
    used = UsedTokens(absent_store)
    assert await used.mark_used(1, "a", 180)
    assert not await used.mark_used(1, "a", 180)
    assert answered_locally() == before + 1


async def test_without_valkey_a_token_is_forgotten_after_its_life(
    absent_store: Valkey, clock: MovableClock
) -> None:
    used = UsedTokens(absent_store, monotonic=clock.monotonic)
    assert await used.mark_used(1, "a", 180)
    clock.move(179.9)
    assert not await used.mark_used(1, "a", 180)
    clock.move(0.1)
    assert await used.mark_used(1, "a", 180)


async def test_the_memory_is_bounded_and_forgets_the_oldest(absent_store: Valkey) -> None:
    used = UsedTokens(absent_store, max_remembered=3)
    assert all([await used.mark_used(1, jti, 180) for jti in ("a", "b", "c", "d")])
    assert not await used.mark_used(1, "d", 180)
    assert not await used.mark_used(1, "b", 180)
    assert await used.mark_used(1, "a", 180), "the oldest had to go"


async def test_what_was_spent_in_an_outage_stays_spent_after_it(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    await server.start()
    store = patient_valkey(server.url)
    try:
        used = UsedTokens(store)
        assert await used.mark_used(1, "before", 180)
        await server.stop()
        assert await used.mark_used(1, "during", 180)
        await server.start()
        await store.probe()
        assert not await used.mark_used(1, "before", 180)
        assert not await used.mark_used(1, "during", 180)
        assert await used.mark_used(1, "after", 180)
        assert not await UsedTokens(store).mark_used(1, "after", 180), "Valkey tells the others"
    finally:
        await store.close()
        await server.stop()
