"""The live counters against a slow, obvious reference, and against a Valkey that forgets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from tests.infrastructure.postgres.tcp_proxy import tcp_proxy
from tests.patience import eventually, patient_valkey
from voting_service.infrastructure.tasks import end_tasks
from voting_service.infrastructure.valkey import OPEN_CIRCUIT_SECONDS, Valkey
from voting_service.voting.tally.counters import (
    MAX_WAITING_BATCHES,
    CounterDelta,
    CounterFeed,
    Counts,
    Floor,
    SuspectedLoss,
    read_counts,
    set_counts,
)

CONTEST = 1
FIRST_XID = 2**50
"""Transaction ids outgrow 32 bits, and Lua's way of writing numbers."""


MOST_RECENT = 2_000
"""As in counters.lua."""


def batch(n: int) -> CounterDelta:
    """The batch that transaction FIRST_XID + n stored; all differ."""
    return CounterDelta(CONTEST, FIRST_XID + n, n + 1, {str(1 + n % 3): n + 1})


def total(batches: list[CounterDelta]) -> Counts:
    votes: Counter[int] = Counter()
    for item in batches:
        votes.update({int(number): delta for number, delta in item.votes.items()})
    return Counts(sum(item.ballots for item in batches), dict(votes))


async def deliver(valkey_client: Valkey, *batches: CounterDelta) -> None:
    feed = CounterFeed(valkey_client)
    for item in batches:
        feed.put(item)
    await feed.flush()


async def reconcile(
    valkey_client: Valkey, n: int, stored: list[CounterDelta], *, restored: bool = False
) -> int:
    """The record's totals below FIRST_XID + n, when `stored` is what it holds."""
    kept = [item for item in stored if item.xid < FIRST_XID + n]
    totals = total(kept)
    floor = Floor(FIRST_XID + n, previous_xid=FIRST_XID + n, ballots=totals.ballots)
    return await set_counts(valkey_client, CONTEST, floor, totals, restored=restored)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.lists(st.integers(0, 9), min_size=1, max_size=4)),
        st.tuples(st.just("reconcile"), st.integers(0, 3)),
        st.tuples(st.just("set back"), st.integers(0, 9)),
        st.tuples(st.just("flush"), st.none()),
    ),
    max_size=20,
)


@given(steps=STEPS)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_repeats_late_ones_any_order_and_lost_memory(
    valkey_client: Valkey, steps: list[tuple[str, object]]
) -> None:
    """Live is what the record holds below the floor, and everything delivered from it on, once."""
    stored = [batch(n) for n in range(10)]
    await valkey_client.command("FLUSHALL")
    floor: int | None = None
    delivered: set[int] = set()
    for step in steps:
        kept = [b for n, b in enumerate(stored) if n < (floor or 0) or n in delivered]
        ballots = total(kept).ballots
        match step:
            case ("deliver", list(numbers)):
                await deliver(valkey_client, *(stored[n] for n in numbers))
                delivered.update(numbers)
            case ("reconcile", int(further)):
                floor = min(10, (floor or 0) + further)
                await reconcile(valkey_client, floor, stored)
            case ("set back", int(to)) if floor is not None and to < floor:
                floor = to
                delivered.clear()
                with pytest.raises(SuspectedLoss) as noticed:
                    await reconcile(valkey_client, floor, stored)
                assert noticed.value.ballots + noticed.value.since == ballots
                assert await read_counts(valkey_client, CONTEST) is None
                await reconcile(valkey_client, floor, stored, restored=True)
            case ("flush", _):
                await valkey_client.command("FLUSHALL")
                floor = None
                delivered.clear()
        live = await read_counts(valkey_client, CONTEST)
        if floor is None:
            assert live is None
        else:
            expected = [b for n, b in enumerate(stored) if n < floor or n in delivered]
            assert live == total(expected) or without_zeros(live) == total(expected)


def without_zeros(counts: Counts | None) -> Counts | None:
    if counts is None:
        return None
    return Counts(counts.ballots, {number: n for number, n in counts.votes.items() if n})


async def test_drift_states_by_how_many_votes_live_was_off(valkey_client: Valkey) -> None:
    stored = [batch(n) for n in range(3)]
    await deliver(valkey_client, stored[0], stored[2])
    lost = stored[1]
    assert await reconcile(valkey_client, 0, stored) == 0
    off = lost.ballots + sum(lost.votes.values())
    assert await reconcile(valkey_client, 3, stored) == off
    assert await reconcile(valkey_client, 3, stored) == 0
    await valkey_client.command("HINCRBY", "{c1}:tally:live", "9", "7")
    assert await reconcile(valkey_client, 3, stored) == 7
    assert await read_counts(valkey_client, CONTEST) == total(stored)


async def test_what_is_below_the_floor_is_not_remembered(valkey_client: Valkey) -> None:
    """Else the counters would grow with every batch of a contest."""
    stored = [batch(n) for n in range(50)]
    await deliver(valkey_client, *stored)
    assert await valkey_client.command("HLEN", "{c1}:tally:recent") == 50
    await reconcile(valkey_client, 48, stored)
    assert await valkey_client.command("HLEN", "{c1}:tally:recent") == 2


async def test_work_does_not_grow_with_what_was_counted_since_the_last_reconciliation(
    valkey_client: Valkey,
) -> None:
    """Nor does memory. A call as long as what had piled up took the voters' screening with it."""
    await reconcile(valkey_client, 0, [])
    many = [batch(n) for n in range(2 * MAX_WAITING_BATCHES)]
    for start in range(0, len(many), 1_000):
        await deliver(valkey_client, *many[start : start + 1_000])
    assert await read_counts(valkey_client, CONTEST) == total(many)
    for key in ("HLEN", "recent"), ("ZCARD", "order"):
        assert await valkey_client.command(key[0], "{c1}:tally:" + key[1]) == MOST_RECENT
    # The newest are those that a reading of the record may not have seen.
    await reconcile(valkey_client, len(many) - 100, many)
    assert await read_counts(valkey_client, CONTEST) == total(many)
    assert await valkey_client.command("HLEN", "{c1}:tally:recent") == 100


async def test_the_batch_of_a_long_transaction_is_counted_once(valkey_client: Valkey) -> None:
    """Whether the record sees it before its delta comes or after."""
    floor = Floor(FIRST_XID + 5, running=(FIRST_XID + 1, FIRST_XID + 2))
    await set_counts(valkey_client, CONTEST, floor, Counts(0, {}))
    await deliver(valkey_client, batch(0), batch(1))  # the totals cover one of them
    assert without_zeros(await read_counts(valkey_client, CONTEST)) == total([batch(1)])
    await set_counts(
        valkey_client,
        CONTEST,
        Floor(FIRST_XID + 5, ballots=5, previous_xid=FIRST_XID + 5),
        total([batch(1), batch(2)]),
    )
    await deliver(valkey_client, batch(1), batch(2))
    assert await read_counts(valkey_client, CONTEST) == total([batch(1), batch(2)])


async def test_every_key_begins_with_the_contest_s_tag(valkey_client: Valkey) -> None:
    await deliver(valkey_client, batch(1))
    await reconcile(valkey_client, 1, [batch(0), batch(1)])
    keys = await valkey_client.command("KEYS", "*")
    assert keys
    assert all(key.startswith(b"{c1}:tally:") for key in keys)


async def test_contests_do_not_mix(valkey_client: Valkey) -> None:
    await deliver(valkey_client, batch(0), batch(0)._replace(contest_id=2, votes={"5": 1}))
    for contest_id in (1, 2):
        await set_counts(valkey_client, contest_id, Floor(FIRST_XID), Counts(0, {}))
    assert (await read_counts(valkey_client, 1)) == (1, {1: 1})
    assert (await read_counts(valkey_client, 2)) == (1, {5: 1})


def lost_batches() -> float:
    return REGISTRY.get_sample_value("voting_counter_batches_lost_total") or 0.0


async def test_the_feed_is_bounded_and_counts_what_it_drops(valkey_client: Valkey) -> None:
    before = lost_batches()
    feed = CounterFeed(valkey_client)
    for n in range(MAX_WAITING_BATCHES + 3):
        feed.put(batch(n))
    assert lost_batches() == before + 3
    await feed.flush()
    shown = await valkey_client.command("HGET", "{c1}:tally:live", "ballots")
    assert int(shown) == sum(batch(n).ballots for n in range(3, MAX_WAITING_BATCHES + 3))


async def test_a_batch_of_held_ballots_is_nothing_to_count(valkey_client: Valkey) -> None:
    await deliver(valkey_client, batch(0)._replace(ballots=0, votes={}))
    assert await valkey_client.command("KEYS", "*") == []


async def test_the_feed_goes_on_after_an_outage(valkey_url: str) -> None:
    """What was lost is left to the reconciler, what comes later is counted."""
    async with tcp_proxy(valkey_url) as wire:
        now = 0.0
        valkey_client = patient_valkey(wire.url, lambda: now)
        feed = CounterFeed(valkey_client)
        running = asyncio.create_task(feed.run())
        await set_counts(valkey_client, CONTEST, Floor(FIRST_XID), Counts(0, {}))
        wire.answer_instead = b"-READONLY You can't write against a read only replica.\r\n"
        before = lost_batches()
        feed.put(batch(0))
        await eventually(lambda: lost_batches() > before)
        wire.answer_instead = None
        now += OPEN_CIRCUIT_SECONDS
        await valkey_client.probe()
        feed.put(batch(1))

        async def counted() -> bool:
            return await read_counts(valkey_client, CONTEST) == total([batch(1)])

        await eventually(counted)
        assert not running.done()
        running.cancel()
        await reconcile(valkey_client, 2, [batch(0), batch(1)])
        assert await read_counts(valkey_client, CONTEST) == total([batch(0), batch(1)])
        await valkey_client.close()


def has_lost(batches: float) -> bool:
    return lost_batches() == batches


async def test_the_feed_survives_any_error_and_sends_the_other_contests(
    valkey_client: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, before = CounterFeed(valkey_client), lost_batches()
    call = valkey_client.call

    async def fails_for_the_first_contest(
        function: str, keys: Sequence[str], values: Sequence[Any]
    ) -> Any:
        if "{c1}" in keys[0]:
            raise ValueError("a bug")
        return await call(function, keys, values)

    monkeypatch.setattr(valkey_client, "call", fails_for_the_first_contest)
    running = asyncio.create_task(feed.run())
    for n in range(2):
        feed.put(batch(n))
        feed.put(batch(n)._replace(contest_id=2))
        await eventually(partial(has_lost, before + n + 1))
    await set_counts(valkey_client, 2, Floor(FIRST_XID), Counts(0, {}))

    async def is_counted() -> bool:
        return await read_counts(valkey_client, 2) == total([batch(0), batch(1)])

    await eventually(is_counted)
    await end_tasks([running])
