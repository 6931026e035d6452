"""③–⑥ against the real stores."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.patience import PATIENCE_SECONDS, on_both
from tests.senders import hashed, sender
from tests.voting.ballots.conftest import Bench, leave_hints
from tests.voting.ballots.conftest import new_voter as voter
from voting_service.antifraud.screening import rate_limits
from voting_service.antifraud.screening.decision import Signal
from voting_service.errors import (
    AlreadyVoted,
    ChallengeRequired,
    SlowDown,
    Unavailable,
)
from voting_service.infrastructure import tasks
from voting_service.infrastructure.clock import FIRST_DAY, system_clock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting import metrics
from voting_service.voting.ballots.vote import Accepted, DatedBallot, Repeated
from voting_service.voting.tally.counters import (
    Counts,
    read_counts,
    set_counts,
)
from voting_service.voting.tally.repository import advance_floor, count_now


@on_both
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
    await leave_hints(bench, [ghost])
    assert isinstance(await bench.cast(ghost, [2]), Accepted)


@on_both
async def test_live_counters_reach_what_the_record_states(
    bench: Bench, database: Connection
) -> None:
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


async def test_a_voter_that_hammers_must_slow_down_and_nobody_else(
    bench: Bench, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first, which is stored, does not count."""
    monkeypatch.setattr(rate_limits, "VOTER", rate_limits.Rate(interval_ms=3_600_000, burst=2))
    me = voter()
    outcomes = await bench.cast_all([(me, [1])] * 5)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Repeated, Repeated] + [
        SlowDown
    ] * 2
    assert all(o.retry_after_seconds > 0 for o in outcomes if isinstance(o, SlowDown))
    assert isinstance(await bench.cast(voter(), [1]), Accepted)
    assert await database.fetchval("select count(*) from ballots") == 2


@on_both
async def test_a_crowded_address_has_its_price_and_who_pays_is_counted(
    bench: Bench, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody behind it is refused: everybody is asked for a challenge, pays it and counts."""
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(interval_ms=3_600_000, burst=1))
    crowd = [(voter(), f"phone {number}") for number in range(100)]
    challenged = await asyncio.gather(
        *(bench.cast(who, [1], network="canteen", device=phone) for who, phone in crowd)
    )
    assert [type(outcome) for outcome in challenged] == [Accepted] + [ChallengeRequired] * 99
    assert await database.fetchval("select count(*) from ballots") == 1
    paid = await asyncio.gather(
        *(
            bench.cast(who, [1], network="canteen", device=phone, solved=True)
            for who, phone in crowd
        )
    )
    assert [type(outcome) for outcome in paid] == [Repeated] + [Accepted] * 99
    rows = await database.fetch("select distinct network, disposition, screened from ballots")
    assert [tuple(row) for row in rows] == [(bytes.fromhex(hashed("canteen")), 0, True)]


async def test_who_has_a_ballot_gets_its_receipt_without_paying(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = voter()
    first = await bench.cast(me, [1], network="canteen")
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(interval_ms=3_600_000, burst=1))
    await bench.cast(voter(), [1], network="canteen")
    again = await bench.cast(me, [1], network="canteen")
    assert isinstance(first, Accepted)
    assert again == Repeated(first.receipt)


async def test_a_farm_of_one_telephone_is_held_with_a_normal_receipt(
    bench: Bench, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(interval_ms=3_600_000, burst=3))
    monkeypatch.setattr(
        rate_limits, "FEW_DEVICES", rate_limits.FewDevices(20, votes=1, busy_share=0.99)
    )
    votes = [
        bench.cast(voter(), [1], network="farm", device="phone", solved=True) for _ in range(10)
    ]
    outcomes = await asyncio.gather(*votes)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len({len(outcome.receipt) for outcome in outcomes if isinstance(outcome, Accepted)}) == 1
    rows = await database.fetch("select disposition, signals from ballots order by disposition")
    held = [row["signals"] for row in rows if row["disposition"] == 1]
    assert [row["signals"] for row in rows[:2]] == [Signal.CHALLENGE_SOLVED] * 2
    assert len(held) == 8
    assert all(signals & Signal.FEW_DEVICES for signals in held)
    assert (await count_now(database, bench.contest.id)).ballots == 2


async def test_what_is_known_of_a_sender_is_stored_as_hashes_and_classes(
    bench: Bench, database: Connection
) -> None:
    who = sender("home", "phone")._replace(account_day=8_000, seconds_since_sign_in=90_000)
    await bench.pipeline.submit(
        voter=voter(),
        platform_id=bench.platform_id,
        sender=who,
        solved=False,
        ballot=DatedBallot.of(bench.contest, [1], system_clock()),
    )
    row = await database.fetchrow(
        "select address, network, device, cloud, agent_class, account_created, fill_seconds,"
        " signals from ballots"
    )
    assert row is not None
    home, phone = bytes.fromhex(hashed("home")), bytes.fromhex(hashed("phone"))
    created = FIRST_DAY + timedelta(days=8_000)
    assert tuple(row) == (home, home, phone, False, 0, created, 32_767, 0)
    await bench.cast(voter(), [2])
    unknown = await database.fetchrow(
        "select address, network, account_created from ballots where choices = '{2}'"
    )
    assert unknown is not None
    assert tuple(unknown) == (None, None, None)


@pytest.mark.parametrize("metric", ["BATCH_SIZE", "QUEUE_DEPTH", "STEP_SECONDS", "BALLOTS"])
async def test_a_caster_goes_on_after_any_error_and_every_vote_has_an_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    """Metrics are files of a folder that can be full."""
    monkeypatch.setattr(tasks, "PAUSE_AFTER_FAILURE_SECONDS", 0.001)
    with monkeypatch.context() as patch:
        patch.setattr(metrics, metric, None)
        with suppress(Unavailable):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await bench.cast(voter(), [1])
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert isinstance(await bench.cast(voter(), [1]), Accepted)
