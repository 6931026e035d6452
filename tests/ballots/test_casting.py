"""③–⑥ against the real stores."""

from __future__ import annotations

import asyncio

import pytest

from tests.ballots.conftest import Bench
from tests.ballots.conftest import new_voter as voter
from voting_service.antifraud import limits
from voting_service.ballots.vote import Accepted, Repeated
from voting_service.clock import system_clock
from voting_service.errors import AlreadyVoted, SlowDown
from voting_service.storage.postgres import Connection
from voting_service.tally.counters import Counts, read_counts, set_counts
from voting_service.tally.record import advance_floor, count_now


async def test_first_ballot_is_accepted_and_the_same_again_gives_the_same_bytes(
    bench: Bench,
) -> None:
    me = voter()
    first = await bench.cast(me, [1, 3])
    again = await bench.cast(me, [1, 3])
    assert isinstance(first, Accepted)
    assert isinstance(again, Repeated)
    assert again.receipt == first.receipt


async def test_another_ballot_is_refused_with_the_stored_receipt(bench: Bench) -> None:
    me = voter()
    first = await bench.cast(me, [1, 3])
    other = await bench.cast(me, [2])
    assert isinstance(first, Accepted)
    assert isinstance(other, AlreadyVoted)
    assert other.receipt == first.receipt


async def test_ten_thousand_tries_at_once_store_one_ballot(
    bench: Bench, database: Connection
) -> None:
    me = voter()
    outcomes = await asyncio.gather(
        *(bench.cast(me, [1 + i % 2]) for i in range(10_000)),
    )
    accepted = [o for o in outcomes if isinstance(o, Accepted)]
    assert len(accepted) == 1
    receipts = {o.receipt for o in outcomes if isinstance(o, Accepted | Repeated | AlreadyVoted)}
    assert receipts == {accepted[0].receipt}
    assert await database.fetchval("select count(*) from ballots") == 1


async def test_a_hint_without_a_ballot_is_no_reason_to_refuse(bench: Bench) -> None:
    me = voter()
    assert isinstance(await bench.cast(me, [1]), Accepted)
    # Only Valkey remembers another voter: the hint is there, the ballot is not.
    ghost = voter()
    hint = int.from_bytes(ghost[:8], "big", signed=True)
    period = bench.contest.period(system_clock())
    await bench.valkey.command(
        "SADD", f"{{c{bench.contest.id}}}:seen:{period:%Y%m%d}:{hint % 4096}", str(hint)
    )
    assert isinstance(await bench.cast(ghost, [2]), Accepted)


async def test_live_counters_reach_what_the_record_says(bench: Bench, database: Connection) -> None:
    await asyncio.gather(*(bench.cast(voter(), [1, 2 + i % 3]) for i in range(300)))
    expected = Counts(300, {1: 300, 2: 100, 3: 100, 4: 100})
    assert await count_now(database, bench.contest.id) == expected
    await bench.feed.flush()
    assert await read_counts(bench.valkey, bench.contest.id) is None
    floor, totals = await advance_floor(database, bench.contest.id)
    assert totals == expected
    await set_counts(bench.valkey, bench.contest.id, floor, totals)
    assert await read_counts(bench.valkey, bench.contest.id) == expected

    await asyncio.gather(*(bench.cast(voter(), [5]) for i in range(20)))
    await bench.feed.flush()
    after = Counts(320, {**expected.votes, 5: 20})
    assert await read_counts(bench.valkey, bench.contest.id) == after
    await bench.valkey.command("FLUSHALL")
    floor, totals = await advance_floor(database, bench.contest.id)
    await set_counts(bench.valkey, bench.contest.id, floor, totals)
    assert await read_counts(bench.valkey, bench.contest.id) == after
    assert await count_now(database, bench.contest.id) == after


async def test_a_voter_that_hammers_is_told_to_slow_down_and_nobody_else(
    bench: Bench, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "VOTER", limits.Rate(interval_ms=3_600_000, burst=3))
    me = voter()
    outcomes = await bench.cast_all([(me, [1])] * 5)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Repeated, Repeated] + [
        SlowDown
    ] * 2
    assert all(o.retry_after_seconds > 0 for o in outcomes if isinstance(o, SlowDown))
    assert isinstance(await bench.cast(voter(), [1]), Accepted)
    assert await database.fetchval("select count(*) from ballots") == 2


async def test_a_shared_address_is_nobody_s_offence(
    bench: Bench, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the network's limit says, everybody behind it votes and is counted."""
    monkeypatch.setattr(limits, "NETWORK", limits.Rate(interval_ms=3_600_000, burst=1))
    answers = [bench.cast(voter(), [1], network="ab" * 8) for _ in range(100)]
    assert all(isinstance(outcome, Accepted) for outcome in await asyncio.gather(*answers))
    rows = await database.fetch("select distinct network, disposition, screened from ballots")
    assert [tuple(row) for row in rows] == [(b"\xab" * 8, 0, True)]
