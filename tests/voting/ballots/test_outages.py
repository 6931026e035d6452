"""Votes while a store is unavailable, hangs, refuses or has lost its memory, and after that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.infrastructure.postgres.tcp_proxy import TcpProxy
from tests.patience import PATIENCE_SECONDS
from tests.voting.ballots.conftest import Bench, new_voter
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.errors import AlreadyVoted, Unavailable
from voting_service.infrastructure import valkey
from voting_service.infrastructure.postgres import pool as postgres
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.timeouts import VALKEY_CALL_TIMEOUT_SECONDS
from voting_service.voting.ballots import pipeline
from voting_service.voting.ballots.vote import (
    Accepted,
    Outcome,
    Repeated,
)


@pytest.fixture
def open_circuit_seconds() -> float:
    return 0.05


@pytest.fixture(autouse=True)
def _circuit(monkeypatch: pytest.MonkeyPatch, open_circuit_seconds: float) -> None:
    monkeypatch.setattr(valkey, "OPEN_CIRCUIT_SECONDS", open_circuit_seconds)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proportions of the real timeouts of Postgres, in tenths of a second. Before any pool is
    opened, and for tests in which it is unavailable: a busy machine may not keep them."""
    monkeypatch.setattr(postgres, "COMMAND_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(postgres, "ACQUIRE_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(pipeline, "MAX_QUEUE_WAIT_SECONDS", 0.5)


short_calls = pytest.mark.parametrize("valkey_call_seconds", [VALKEY_CALL_TIMEOUT_SECONDS])
"""For a Valkey that hangs."""
without_postgres = pytest.mark.usefixtures("impatient")


async def screened(database: Connection, voter: bytes) -> bool:
    flag: bool = await database.fetchval("select screened from ballots where voter = $1", voter)
    return flag


async def cast_until_screened(bench: Bench, database: Connection) -> None:
    """Votes again and again, as voters do, until Valkey screens them."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            voter = new_voter()
            assert isinstance(await bench.cast(voter, [1]), Accepted)
            if await screened(database, voter):
                return


async def assert_votes_go_on_unscreened(bench: Bench, database: Connection) -> None:
    """New, repeated and conflicting ballots get their true answers from the record alone."""
    me = new_voter()
    async with asyncio.timeout(PATIENCE_SECONDS):
        first = await bench.cast(me, [1, 2])
    assert isinstance(first, Accepted)
    assert not await screened(database, me)
    async with asyncio.timeout(PATIENCE_SECONDS):
        again, other = await asyncio.gather(bench.cast(me, [1, 2]), bench.cast(me, [3]))
    assert again == Repeated(first.receipt)
    assert isinstance(other, AlreadyVoted)
    assert other.receipt == first.receipt


async def _refused(wire: TcpProxy) -> None:
    await wire.refuse()


async def _hanging(wire: TcpProxy) -> None:
    wire.hang()


@short_calls
@pytest.mark.parametrize("trouble", [_refused, _hanging])
async def test_votes_go_on_without_valkey(
    wired: Bench,
    fast_wire: TcpProxy,
    database: Connection,
    trouble: Callable[[TcpProxy], Awaitable[None]],
) -> None:
    await trouble(fast_wire)
    await assert_votes_go_on_unscreened(wired, database)
    fast_wire.flow()
    await fast_wire.refuse()
    await fast_wire.listen()
    await cast_until_screened(wired, database)


@pytest.mark.parametrize(
    "refusal",
    [
        b"-LOADING Valkey is loading the dataset in memory",
        b"-READONLY You can't write against a read only replica.",
        b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        b"-OOM command not allowed when used memory > 'maxmemory'.",
        b"-MISCONF Valkey is configured to save RDB snapshots, but it's unable to persist to disk.",
        b"-NOREPLICAS Not enough good replicas to write.",
        b"-BUSY Valkey is busy running a script.",
        b"-CLUSTERDOWN The cluster is down",
        b"-MOVED 3999 127.0.0.1:6381",
        b"-NOPERM User default has no permissions to run the 'fcall' command",
        b"-NOAUTH Authentication required.",
        b"-ERR Error running function",
        b"-WHATEVER a server of tomorrow may say",
    ],
)
async def test_votes_go_on_whatever_valkey_answers(
    wired: Bench, fast_wire: TcpProxy, database: Connection, refusal: bytes
) -> None:
    fast_wire.answer_instead = refusal + b"\r\n"
    await assert_votes_go_on_unscreened(wired, database)
    fast_wire.answer_instead = None
    fast_wire.cut()
    await cast_until_screened(wired, database)


@asynccontextmanager
async def administrator(server: EmbeddedValkey) -> AsyncIterator[Any]:
    client: Any = Redis.from_url(server.url)
    yield client
    await client.aclose()


async def test_votes_go_on_while_valkey_is_somebody_s_read_only_replica(
    wired: Bench, own_valkey: EmbeddedValkey, database: Connection
) -> None:
    async with administrator(own_valkey) as client:
        await client.execute_command("REPLICAOF", "127.0.0.1", "1")
        await assert_votes_go_on_unscreened(wired, database)
        await client.execute_command("REPLICAOF", "NO", "ONE")
        await cast_until_screened(wired, database)


async def test_votes_go_on_while_valkey_is_full(
    wired: Bench, own_valkey: EmbeddedValkey, database: Connection
) -> None:
    async with administrator(own_valkey) as client:
        await client.config_set("maxmemory", "1")
        await assert_votes_go_on_unscreened(wired, database)
        await client.config_set("maxmemory", "0")
        await cast_until_screened(wired, database)


async def test_a_restarted_valkey_gets_its_functions_back(
    wired: Bench, own_valkey: EmbeddedValkey, database: Connection
) -> None:
    me = new_voter()
    first = await wired.cast(me, [1])
    assert isinstance(first, Accepted)
    await own_valkey.stop()
    await assert_votes_go_on_unscreened(wired, database)
    await own_valkey.start()
    await cast_until_screened(wired, database)
    assert await wired.cast(me, [1]) == Repeated(first.receipt)


async def test_emptied_of_data_and_functions_valkey_screens_the_very_next_vote(
    wired: Bench, own_valkey: EmbeddedValkey, database: Connection
) -> None:
    me = new_voter()
    first = await wired.cast(me, [1])
    assert isinstance(first, Accepted)
    async with administrator(own_valkey) as client:
        await client.flushall()
        await client.function_flush()
    assert await wired.cast(me, [1]) == Repeated(first.receipt)
    async with administrator(own_valkey) as client:
        await client.function_flush()
    other = new_voter()
    assert isinstance(await wired.cast(other, [1]), Accepted)
    assert await screened(database, other)


@short_calls
@pytest.mark.parametrize("open_circuit_seconds", [PATIENCE_SECONDS])
async def test_a_hanging_valkey_costs_one_wait_for_many_votes(
    wired: Bench, fast_wire: TcpProxy
) -> None:
    """After one call that hung, the circuit breaker refuses others for a while."""
    fast_wire.hang()
    await wired.cast(new_voter(), [1])
    fast_wire.forget()
    for _ in range(5):
        assert isinstance(await wired.cast(new_voter(), [1]), Accepted)
    assert fast_wire.connections == fast_wire.round_trips == 0


async def cast_until_confirmed(bench: Bench, voter: bytes) -> None:
    """Votes again and again, as a voter does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not isinstance(await cast_once(bench, voter), Accepted | Repeated):
            pass


async def cast_once(bench: Bench, voter: bytes) -> Outcome:
    """As a request does: a full queue answers at once."""
    try:
        return await bench.cast(voter, [1])
    except Unavailable as error:
        return error


@without_postgres
@pytest.mark.parametrize("trouble", [_refused, _hanging])
async def test_without_postgres_nobody_is_confirmed_and_everybody_is_answered(
    wired: Bench,
    record_wire: TcpProxy,
    database: Connection,
    trouble: Callable[[TcpProxy], Awaitable[None]],
) -> None:
    await trouble(record_wire)
    voters = [new_voter() for _ in range(5_000)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        outcomes = await asyncio.gather(*(cast_once(wired, voter) for voter in voters))
    assert all(isinstance(o, Unavailable) and o.retry_after_seconds >= 1 for o in outcomes)
    assert len({o.retry_after_seconds for o in outcomes if isinstance(o, Unavailable)}) > 1

    record_wire.flow()
    await record_wire.refuse()
    await record_wire.listen()
    for voter in voters[:100]:
        await cast_until_confirmed(wired, voter)
    rows = await database.fetchval(
        "select count(*) from ballots where voter = any($1)", voters[:100]
    )
    assert rows == 100


@without_postgres
async def test_the_queue_is_bounded(wired: Bench, record_wire: TcpProxy) -> None:
    """2,000 may wait here, beside the batches on their way; the next must come back."""
    record_wire.hang()
    waiting = [wired.cast(new_voter(), [1]) for _ in range(2_000)]
    with pytest.raises(Unavailable, match="busy") as refusal:
        wired.cast(new_voter(), [1])
    assert 1 <= refusal.value.retry_after_seconds <= 4
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert all(isinstance(outcome, Unavailable) for outcome in await asyncio.gather(*waiting))
    record_wire.flow()


async def test_who_waited_too_long_behind_a_slow_postgres_is_not_begun(
    wired: Bench, record_wire: TcpProxy, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch is on its way; the next would only be stored after its voters had gone."""
    monkeypatch.setattr(pipeline, "MAX_BATCH", 100)  # what one statement of a small delay takes
    begun = pipeline.MAX_BATCHES_AT_ONCE * pipeline.MAX_BATCH
    await wired.cast_all([(new_voter(), [5]) for _ in range(begun)])  # has its connection
    monkeypatch.setattr(pipeline, "MAX_QUEUE_WAIT_SECONDS", 0.1)
    record_wire.delay_seconds = 0.3
    outcomes = await wired.cast_all([(new_voter(), [4]) for _ in range(begun + 100)])
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes[begun:])
    stored = await database.fetchval("select count(*) from ballots where choices = '{4}'")
    assert stored == sum(isinstance(outcome, Accepted) for outcome in outcomes)


async def test_a_slow_postgres_is_only_slow(wired: Bench, record_wire: TcpProxy) -> None:
    record_wire.delay_seconds = 0.1
    ballots = [(new_voter(), [1]) for _ in range(50)]
    assert all(isinstance(outcome, Accepted) for outcome in await wired.cast_all(ballots))
    assert all(isinstance(outcome, Repeated) for outcome in await wired.cast_all(ballots))


@without_postgres
async def test_both_away_and_both_back(
    wired: Bench, record_wire: TcpProxy, fast_wire: TcpProxy, database: Connection
) -> None:
    await record_wire.refuse()
    await fast_wire.refuse()
    me = new_voter()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert isinstance(await wired.cast(me, [1]), Unavailable)
    await record_wire.listen()
    await fast_wire.listen()
    await cast_until_confirmed(wired, me)
    await cast_until_screened(wired, database)


@without_postgres
async def test_closing_answers_what_waits_and_takes_no_more(
    wired: Bench, record_wire: TcpProxy
) -> None:
    record_wire.hang()
    waiting = [wired.cast(new_voter(), [1]) for _ in range(600)]
    closing = asyncio.create_task(wired.pipeline.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        wired.cast(new_voter(), [1])
    await closing
    assert all(answer.done() for answer in waiting)
    record_wire.flow()


async def test_closing_stores_what_waits(wired: Bench) -> None:
    waiting = [wired.cast(new_voter(), [1]) for _ in range(600)]
    await wired.pipeline.close()
    assert all(isinstance(answer.result(), Accepted) for answer in waiting)
