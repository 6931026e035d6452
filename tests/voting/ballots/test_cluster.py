"""Votes on a cluster: spread over its masters, while one fails, and while a slot moves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
from redis.crc import key_slot

from loadtests.valkey_stand import ClusterServer, ValkeyCluster
from tests.patience import eventually
from tests.senders import hashed
from tests.voting.ballots.conftest import Bench, new_voter, open_bench
from voting_service.antifraud.screening import rate_limits
from voting_service.antifraud.screening.rate_limits import Rate
from voting_service.contests.model import Contest
from voting_service.errors import ChallengeRequired
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.timeouts import VALKEY_CALL_TIMEOUT_SECONDS
from voting_service.infrastructure.valkey import shard_tag
from voting_service.voting.ballots.vote import Accepted

pytestmark = pytest.mark.parametrize("valkey_kind", ["cluster"])
SHARDS = 3
LONG_MS = 3_600_000


def list_networks(shard: int, count: int) -> list[str]:
    """Names of networks whose votes belong to a shard."""
    names = (f"network {shard} {number}" for number in range(100 * count))
    return [name for name in names if int(hashed(name)[:8], 16) % SHARDS == shard][:count]


def find_slot(contest: Contest, shard: int) -> int:
    return key_slot(shard_tag(contest.id, shard, SHARDS)[1:-1].encode())


class Crowd:
    """People who vote all the time, from networks of every shard; `stored` got a receipt."""

    def __init__(self, bench: Bench, database: Connection) -> None:
        self._bench = bench
        self._database = database
        self.stored: list[bytes] = []

    async def vote(self) -> None:
        networks = [list_networks(shard, 50) for shard in range(SHARDS)]
        round_ = 0
        while True:
            voters = [new_voter() for _ in range(SHARDS)]
            outcomes = await asyncio.gather(
                *(
                    self._bench.cast(voter, [1], network=names[round_ % 50], device=str(round_))
                    for voter, names in zip(voters, networks, strict=True)
                )
            )
            assert all(isinstance(outcome, Accepted) for outcome in outcomes), outcomes
            self.stored += voters
            round_ += 1
            await asyncio.sleep(0.005)

    async def last_round(self) -> list[bool]:
        """Which votes of the last round were screened, by shard."""
        voters = self.stored[-SHARDS:]
        rows = await self._database.fetch(
            "select voter, screened from ballots where voter = any($1)", voters
        )
        screened = {row["voter"]: row["screened"] for row in rows}
        return [screened[voter] for voter in voters]

    async def is_screened(self) -> bool:
        return bool(self.stored) and all(await self.last_round())

    async def is_unscreened_at(self, shard: int) -> bool:
        return bool(self.stored) and not (await self.last_round())[shard]


@pytest.fixture
async def bench(
    database: Connection, contest: Contest, platform_id: int, database_url: str, valkey_url: str
) -> AsyncIterator[Bench]:
    """With production's patience: a master that does not answer is unavailable."""
    async with open_bench(
        database,
        contest,
        platform_id,
        database_url=database_url,
        valkey_url=valkey_url,
        valkey_call_seconds=VALKEY_CALL_TIMEOUT_SECONDS,
    ) as opened:
        yield opened


@asynccontextmanager
async def voting(bench: Bench, database: Connection) -> AsyncIterator[Crowd]:
    """A crowd that votes; afterwards everyone with a receipt has one ballot, and nobody else."""
    crowd = Crowd(bench, database)
    task = asyncio.create_task(crowd.vote())

    async def until(check: Callable[[], Awaitable[bool]]) -> bool:
        if task.done():
            await task
        return await check()

    try:
        await eventually(partial(until, crowd.is_screened))
        yield crowd
        await eventually(partial(until, crowd.is_screened))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await bench.pipeline.close()
    rows = await database.fetch("select voter from ballots")
    assert len(rows) == len({row["voter"] for row in rows})
    assert {row["voter"] for row in rows} >= set(crowd.stored)
    assert len(rows) - len(crowd.stored) <= SHARDS, "the round that was interrupted"


async def test_while_a_master_fails_only_its_votes_go_unscreened(
    bench: Bench, database: Connection, contest: Contest, valkey_cluster: ValkeyCluster
) -> None:
    failing = await valkey_cluster.find_owner(find_slot(contest, 0))
    async with voting(bench, database) as crowd:
        await failing.kill()
        await eventually(partial(crowd.is_unscreened_at, 0))
        assert (await crowd.last_round())[1:] == [True] * (SHARDS - 1)
    assert await valkey_cluster.find_owner(find_slot(contest, 0)) is not failing
    await failing.start()
    await eventually(valkey_cluster.is_whole)


@pytest.mark.parametrize("key_by_key", [True, False])
async def test_votes_go_on_while_a_slot_moves(
    bench: Bench,
    database: Connection,
    contest: Contest,
    valkey_cluster: ValkeyCluster,
    key_by_key: bool,
) -> None:
    slot = find_slot(contest, 1)
    source = await valkey_cluster.find_owner(slot)
    target = next(s for s in await valkey_cluster.owners() if s is not source)
    async with voting(bench, database):
        await valkey_cluster.move_slot(slot, target, key_by_key=key_by_key)
    await move_back(valkey_cluster, slot, source)


@pytest.mark.parametrize("key_by_key", [True, False])
async def test_limits_and_hints_move_with_their_slot(
    bench: Bench,
    contest: Contest,
    valkey_cluster: ValkeyCluster,
    key_by_key: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limits, "NETWORK", Rate(LONG_MS, burst=10))
    slot, [home] = find_slot(contest, 2), list_networks(2, 1)
    source = await valkey_cluster.find_owner(slot)
    target = next(s for s in await valkey_cluster.owners() if s is not source)

    async def cast(voters: list[bytes]) -> list[type]:
        casts = (bench.cast(voter, [1], network=home, device=voter.hex()) for voter in voters)
        return [type(outcome) for outcome in await asyncio.gather(*casts)]

    before = [os.urandom(16) for _ in range(6)]
    assert await cast(before) == [Accepted] * 6
    await valkey_cluster.move_slot(slot, target, key_by_key=key_by_key)
    await cast(before)  # seen, so they do not count again
    after = await cast([os.urandom(16) for _ in range(9)])
    assert after == [Accepted] * 4 + [ChallengeRequired] * 5
    await move_back(valkey_cluster, slot, source)


async def move_back(cluster: ValkeyCluster, slot: int, source: ClusterServer) -> None:
    """Every test finds the cluster as the first one did."""
    await cluster.move_slot(slot, source, key_by_key=True)


async def test_every_master_has_a_share_of_a_contest(
    bench: Bench, contest: Contest, valkey_cluster: ValkeyCluster
) -> None:
    owners = {
        (await valkey_cluster.find_owner(find_slot(contest, shard))).id for shard in range(SHARDS)
    }
    assert len(owners) == SHARDS
    names = [name for shard in range(SHARDS) for name in list_networks(shard, 5)]
    await asyncio.gather(*(bench.cast(new_voter(), [1], network=name) for name in names))
    for server in await valkey_cluster.owners():
        keys = await server.client.keys(f"{{c{contest.id}:*}}:networks:*")
        assert len(keys) >= 1


async def test_a_node_that_lost_its_functions_gets_them_within_the_call(
    bench: Bench, database: Connection, valkey_cluster: ValkeyCluster
) -> None:
    async with voting(bench, database):
        for server in await valkey_cluster.owners():
            await server.client.flushall()
            await server.client.function_flush()
        await bench.valkey.probe()
    assert await database.fetchval("select count(*) from ballots where not screened") == 0
