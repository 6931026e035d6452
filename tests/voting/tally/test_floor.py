"""Increments up to a snapshot: nothing missed, nothing taken twice, whatever runs for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contest_data import store_contest
from tests.voting.tally.forged import count_by_hand, insert_ballot
from voting_service.contests.model import Contest
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.voting.tally.live_figures import load_figures
from voting_service.voting.tally.repository import advance_floor, count_now

SLUGS = (f"contest-{n}" for n in count(1))


@pytest.fixture
async def contest(database: Connection) -> Contest:
    return await store_contest(database, b"m" * 32)


@pytest.fixture
async def others(database_url: str) -> AsyncIterator[list[Connection]]:
    """Four more sessions."""
    opened = [await connect(database_url) for _ in range(4)]
    yield opened
    for connection in opened:
        connection.terminate()


async def test_an_older_transaction_that_commits_later_is_neither_missed_nor_taken_twice(
    database: Connection, contest: Contest, others: list[Connection]
) -> None:
    older = others[0]
    transaction = older.transaction()
    await transaction.start()
    old_xid = await insert_ballot(older, contest.id, [1])
    new_xid = await insert_ballot(database, contest.id, [2])
    assert old_xid < new_xid

    # What ended is kept at once, however long the older one still takes.
    floor, totals = await advance_floor(database, contest.id)
    assert floor.covers(new_xid)
    assert old_xid in floor.running
    assert totals == await count_now(database, contest.id) == (1, {2: 1})

    await transaction.commit()
    assert await count_now(database, contest.id) == (2, {1: 1, 2: 1})
    for _ in range(3):
        floor, totals = await advance_floor(database, contest.id)
        assert floor.covers(old_xid)
        assert totals == (2, {1: 1, 2: 1})
        assert await count_now(database, contest.id) == totals


async def test_held_ballots_are_kept_but_not_in_the_public_count(
    database: Connection, contest: Contest
) -> None:
    await insert_ballot(database, contest.id, [1], held=True)
    await insert_ballot(database, contest.id, [1, 2])
    assert await count_now(database, contest.id) == (1, {1: 1, 2: 1})
    assert (await advance_floor(database, contest.id))[1] == (1, {1: 1, 2: 1})
    kept = await database.fetch("select disposition, candidate, votes from tally_hours")
    assert {tuple(row) for row in kept} == {(0, 0, 1), (0, 1, 1), (0, 2, 1), (1, 0, 1), (1, 1, 1)}


SESSION = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("vote"), SESSION, st.sampled_from([[1], [2], [1, 3]])),
        st.tuples(st.sampled_from(["commit", "rollback", "advance"]), SESSION),
    ),
    max_size=25,
)


@given(steps=STEPS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_whatever_order_transactions_begin_and_end_in(
    database: Connection, others: list[Connection], steps: list[tuple[object, ...]]
) -> None:
    """Sessions 0–2 vote in transactions that stay open; session 3 votes and commits at once."""
    contest = await store_contest(database, b"m" * 32, slug=next(SLUGS))
    running = {}
    for step in steps:
        match step:
            case ("vote", int(session), list(choices)):
                if session < 3 and session not in running:
                    running[session] = others[session].transaction()
                    await running[session].start()
                await insert_ballot(others[session], contest.id, choices)
            case ("commit", int(session)) if session in running:
                await running.pop(session).commit()
            case ("rollback", int(session)) if session in running:
                await running.pop(session).rollback()
            case ("advance", _):
                floor, totals = await advance_floor(database, contest.id)
                assert totals == await count_by_hand(database, contest.id, below=floor)
        assert await count_now(database, contest.id) == await count_by_hand(database, contest.id)
    for transaction in running.values():
        await transaction.commit()
    _, totals = await advance_floor(database, contest.id)
    assert totals == await count_by_hand(database, contest.id)


async def test_several_reconcilers_at_once_keep_each_ballot_once(
    database: Connection, contest: Contest, others: list[Connection]
) -> None:
    """What each of them hands on belongs to the floor it names, else the live counters that it
    sets would hold some ballots twice."""
    await advance_floor(database, contest.id)
    done = asyncio.Event()

    async def reconcile(session: Connection) -> None:
        while not done.is_set():
            floor, totals = await advance_floor(session, contest.id)
            assert totals == await count_by_hand(session, contest.id, below=floor)

    async with asyncio.TaskGroup() as group:
        for session in others:
            group.create_task(reconcile(session))
        for n in range(150):
            await insert_ballot(database, contest.id, [1 + n % 3])
        done.set()
    assert (await advance_floor(database, contest.id))[1] == (150, {1: 50, 2: 50, 3: 50})


async def test_the_very_first_floor_is_set_by_one(
    database: Connection, contest: Contest, others: list[Connection]
) -> None:
    await insert_ballot(database, contest.id, [1])
    results = await asyncio.gather(
        *(advance_floor(session, contest.id) for session in others), return_exceptions=True
    )
    good = [result for result in results if not isinstance(result, BaseException)]
    assert good
    assert all(totals == (1, {1: 1}) for _, totals in good)
    assert all(isinstance(r, Refused) for r in results if isinstance(r, BaseException))
    assert (await advance_floor(database, contest.id))[1] == (1, {1: 1})


async def test_a_restored_dump_is_refused_rather_than_miscounted(
    database: Connection, contest: Contest
) -> None:
    """In another cluster transaction ids start again: new ballots would lie below the floor."""
    await insert_ballot(database, contest.id, [1])
    await advance_floor(database, contest.id)
    await database.execute("update tally_floors set floor = '99999999999'")
    for count_it in (advance_floor, count_now):
        with pytest.raises(Refused, match="another PostgreSQL cluster"):
            await count_it(database, contest.id)
    with pytest.raises(Refused, match="another PostgreSQL cluster"):
        await load_figures(database, contest, contest.closes_at)
    kept = await database.fetchval("select sum(votes) from tally_hours where candidate = 0")
    assert kept == 1
