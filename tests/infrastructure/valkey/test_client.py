"""The client of the fast store: bounded waits, a circuit breaker, functions that come back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import voting_service
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, containing
from tests.patience import PATIENCE_SECONDS, patient_valkey
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.timeouts import VALKEY_CALL_TIMEOUT_SECONDS
from voting_service.infrastructure.valkey import (
    MAX_CONNECTIONS,
    OPEN_CIRCUIT_SECONDS,
    Valkey,
    contest_tag,
)
from voting_service.voting.tally import counters

KEYS = counters._keys(1)


class StoppedClock:
    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def call_timeout_seconds() -> float:
    """A busy machine is no outage; tests of what hangs wait for less."""
    return PATIENCE_SECONDS


@pytest.fixture
async def client(
    fast_wire: TcpProxy, clock: StoppedClock, call_timeout_seconds: float
) -> AsyncIterator[Valkey]:
    opened = Valkey(fast_wire.url, monotonic=clock, call_timeout_seconds=call_timeout_seconds)
    counters.register_functions(opened)
    yield opened
    await opened.close()


short_calls = pytest.mark.parametrize("call_timeout_seconds", [VALKEY_CALL_TIMEOUT_SECONDS])


async def read(client: Valkey) -> Any:
    return await client.call("voting_counts", KEYS, [])


def test_a_tag_is_the_contest_s_own() -> None:
    assert contest_tag(7) == "{c7}"


async def test_functions_are_loaded_at_the_first_call_and_then_cost_nothing(
    client: Valkey, fast_wire: TcpProxy
) -> None:
    assert await read(client) == []
    fast_wire.forget()
    for _ in range(3):
        await read(client)
    assert fast_wire.round_trips == 3


async def test_two_releases_call_their_own_functions_side_by_side(
    client: Valkey, valkey_url: str, fast_wire: TcpProxy
) -> None:
    """While one replaces the other, neither loses its functions to the other."""
    older = Valkey(valkey_url, call_timeout_seconds=PATIENCE_SECONDS)
    counters.register_functions(older)
    older_source = older._libraries.pop().replace("return {}", "return {'older'}")
    older._libraries.append(older_source.replace(older._versions["voting_counts"][-8:], "00000000"))
    older._versions["voting_counts"] = "voting_counts_00000000"
    assert await read(client) == []
    assert await read(older) == [b"older"]
    fast_wire.forget()
    for _ in range(3):
        assert await read(client) == []
        assert await read(older) == [b"older"]
    assert fast_wire.round_trips == 3
    await older.close()


def test_every_function_has_a_name_of_its_release() -> None:
    """A server refuses a second library with a function of the same name."""
    names = {
        name
        for file in Path(voting_service.__file__).parent.rglob("*.lua")
        for name in re.findall(r"register_function\W+(?:function_name=')?(\w+)", file.read_text())
    }
    assert len(names) >= 7
    assert {name for name in names if not name.endswith("_VERSION")} == set()


async def test_lost_functions_are_loaded_within_the_call(client: Valkey) -> None:
    await read(client)
    await client.command("FUNCTION", "FLUSH")
    assert await read(client) == []


async def test_a_function_that_no_file_has_is_no_endless_loop(client: Valkey) -> None:
    with pytest.raises(StoreUnavailable, match="voting_nothing"):
        await client.call("voting_nothing", KEYS, [])


async def test_no_call_is_repeated_behind_the_caller_s_back(
    client: Valkey, fast_wire: TcpProxy, valkey_url: str
) -> None:
    """The answer of a call is lost: the caller gets an error, and the server counted once."""
    await client.command("SET", "n", "0")
    fast_wire.deafen_next(containing(b"INCR"))
    with pytest.raises(StoreUnavailable):
        await client.command("INCR", "n")
    direct = patient_valkey(valkey_url)
    assert await direct.command("GET", "n") == b"1"
    await direct.close()


async def test_after_a_failure_the_circuit_is_open_for_a_while(
    client: Valkey, fast_wire: TcpProxy, clock: StoppedClock
) -> None:
    await read(client)
    await fast_wire.refuse()
    with pytest.raises(StoreUnavailable):
        await read(client)
    await fast_wire.listen()
    fast_wire.forget()
    clock.seconds += OPEN_CIRCUIT_SECONDS - 0.01
    for _ in range(100):
        with pytest.raises(StoreUnavailable, match="a moment ago"):
            await read(client)
    assert fast_wire.connections == 0
    clock.seconds += 0.02
    assert await read(client) == []


async def test_a_probe_goes_through_an_open_circuit_and_closes_it_only_when_answered(
    client: Valkey, fast_wire: TcpProxy
) -> None:
    await fast_wire.refuse()
    with pytest.raises(StoreUnavailable):
        await read(client)
    with pytest.raises(StoreUnavailable, match="did not answer \\("):
        await client.probe()
    with pytest.raises(StoreUnavailable, match="a moment ago"):
        await read(client)
    await fast_wire.listen()
    with pytest.raises(StoreUnavailable, match="a moment ago"):
        await read(client)
    await client.probe()
    assert await read(client) == []


@short_calls
async def test_nobody_waits_for_ever_for_a_hanging_server(
    client: Valkey, fast_wire: TcpProxy
) -> None:
    await read(client)
    fast_wire.hang()
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(StoreUnavailable):
            await read(client)


@short_calls
async def test_a_late_answer_is_never_taken_for_another_call_s(
    client: Valkey, fast_wire: TcpProxy, clock: StoppedClock
) -> None:
    for name in "ab":
        await client.command("SET", name, name)
    fast_wire.delay_seconds = VALKEY_CALL_TIMEOUT_SECONDS + 0.1
    with pytest.raises(StoreUnavailable):
        await client.command("GET", "a")
    fast_wire.delay_seconds = 0.0
    clock.seconds += OPEN_CIRCUIT_SECONDS
    for _ in range(20):
        assert await client.command("GET", "b") == b"b"

    cancelled = [asyncio.create_task(client.command("GET", "a")) for _ in range(20)]
    await asyncio.sleep(0)
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)
    assert await asyncio.gather(*(client.command("GET", "b") for _ in range(20))) == [b"b"] * 20


async def test_a_burst_of_callers_is_no_outage(fast_wire: TcpProxy, clock: StoppedClock) -> None:
    """Three times as many concurrent calls as connections share the connections."""
    callers = 3 * MAX_CONNECTIONS
    client = Valkey(fast_wire.url, monotonic=clock, call_timeout_seconds=PATIENCE_SECONDS)
    answers = await asyncio.gather(*(client.command("INCR", "n") for _ in range(callers)))
    assert sorted(answers) == list(range(1, callers + 1))
    assert fast_wire.connections <= MAX_CONNECTIONS
    await client.close()
