"""The durable line when the wire to Postgres breaks on it: stored or not, the voter learns
nothing, and the retry learns the truth."""

from __future__ import annotations

import pytest

from tests.infrastructure.postgres.tcp_proxy import TcpProxy, containing
from tests.voting.ballots.conftest import Bench, new_voter
from voting_service.errors import AlreadyVoted, Unavailable
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting.ballots.vote import Accepted, Repeated
from voting_service.voting.tally.repository import count_now


async def stored(database: Connection) -> int:
    count: int = await database.fetchval(
        "select count(*) from ballots where choices = '{1,2}'::smallint[]"
    )
    return count


def nothing_confirmed(outcome: object) -> bool:
    return isinstance(outcome, Unavailable) and outcome.retry_after_seconds >= 1


@pytest.mark.parametrize("votes", [1, 200])
async def test_committed_but_the_connection_died_before_the_answer(
    wired: Bench, record_wire: TcpProxy, database: Connection, votes: int
) -> None:
    ballots = [(new_voter(), [1, 2]) for _ in range(votes)]
    record_wire.deafen_next(containing(b"{1,2}"))
    assert all(nothing_confirmed(o) for o in await wired.cast_all(ballots))
    assert await stored(database) == votes

    again = await wired.cast_all(ballots)
    assert all(isinstance(outcome, Repeated) for outcome in again)
    assert await wired.cast_all(ballots) == again
    assert await stored(database) == votes
    assert isinstance(await wired.cast(ballots[0][0], [3]), AlreadyVoted)


@pytest.mark.parametrize("votes", [1, 200])
async def test_not_committed(
    wired: Bench, record_wire: TcpProxy, database: Connection, votes: int
) -> None:
    ballots = [(new_voter(), [1, 2]) for _ in range(votes)]
    record_wire.drop_next(containing(b"{1,2}"))
    assert all(nothing_confirmed(o) for o in await wired.cast_all(ballots))
    assert await stored(database) == 0

    again = await wired.cast_all(ballots)
    assert all(isinstance(outcome, Accepted) for outcome in again)
    assert await stored(database) == votes
    repeated = await wired.cast_all(ballots)
    assert [o.receipt for o in repeated if isinstance(o, Repeated)] == [
        o.receipt for o in again if isinstance(o, Accepted)
    ]


async def test_a_retry_may_choose_otherwise_when_nothing_was_stored(
    wired: Bench, record_wire: TcpProxy
) -> None:
    me = new_voter()
    record_wire.drop_next(containing(b"{1,2}"))
    assert nothing_confirmed(await wired.cast(me, [1, 2]))
    assert isinstance(await wired.cast(me, [3]), Accepted)


async def test_a_retry_may_not_choose_otherwise_when_the_first_was_stored(
    wired: Bench, record_wire: TcpProxy
) -> None:
    me = new_voter()
    record_wire.deafen_next(containing(b"{1,2}"))
    assert nothing_confirmed(await wired.cast(me, [1, 2]))
    other = await wired.cast(me, [3])
    assert isinstance(other, AlreadyVoted)
    same = await wired.cast(me, [1, 2])
    assert isinstance(same, Repeated)
    assert same.receipt == other.receipt


async def test_the_second_statement_failing_confirms_nobody_of_the_batch(
    wired: Bench, record_wire: TcpProxy, database: Connection
) -> None:
    """The insert stands, the select behind it breaks: the new ballots are found by the retry."""
    known_names = new_voter()
    await wired.cast(known_names, [5])
    new = [(new_voter(), [1, 2]) for _ in range(3)]
    insert_gone = False

    def is_select(data: bytes) -> bool:
        nonlocal insert_gone
        after_insert, insert_gone = insert_gone, insert_gone or b"{1,2}" in data
        return after_insert

    record_wire.drop_next(is_select)
    outcomes = await wired.cast_all([*new, (known_names, [5])])
    assert all(nothing_confirmed(outcome) for outcome in outcomes)
    assert await stored(database) == 3
    again = await wired.cast_all([*new, (known_names, [5])])
    assert all(isinstance(outcome, Repeated) for outcome in again)
    # What the feed never heard of is in the record all the same.
    assert (await count_now(database, wired.contest.id)).votes[2] == 3


async def test_another_worker_gives_the_same_answer_to_the_retry(
    wired: Bench, bench: Bench, record_wire: TcpProxy
) -> None:
    me = new_voter()
    record_wire.deafen_next(containing(b"{1,2}"))
    assert nothing_confirmed(await wired.cast(me, [1, 2]))
    there, here = await bench.cast(me, [1, 2]), await wired.cast(me, [1, 2])
    assert isinstance(there, Repeated)
    assert here == there


async def test_two_workers_with_the_same_voters_in_opposite_order_do_not_deadlock(
    wired: Bench, bench: Bench
) -> None:
    """Each insert waits for the other's rows: without one order for all, Postgres would have to
    fail one of the two batches."""
    for _ in range(10):
        ballots = [(new_voter(), [1]) for _ in range(400)]
        await bench.valkey.command("FLUSHALL")
        outcomes = await gather_both(wired, bench, ballots)
        assert all(isinstance(outcome, Accepted | Repeated) for outcome in outcomes)
        assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == len(ballots)


async def gather_both(
    bench: Bench, other: Bench, ballots: list[tuple[bytes, list[int]]]
) -> list[object]:
    here = [bench.cast(voter, choices) for voter, choices in ballots]
    there = [other.cast(voter, choices) for voter, choices in reversed(ballots)]
    return [await answer for answer in (*here, *there)]


async def test_a_row_locked_by_somebody_is_waited_for_only_so_long(
    wired: Bench, database: Connection
) -> None:
    """A transaction that hangs with a voter's row costs that batch its answer, no more."""
    me, moment = new_voter(), await database.fetchval("select now()")
    await wired.pool.execute("set lock_timeout = '100ms'")
    transaction = database.transaction()
    await transaction.start()
    await database.execute(
        "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
        " ballot_id, voter, choices) values ($1, $2, 0, true, $3, $4, $5, $6, '{4}')",
        wired.contest.id,
        wired.platform_id,
        wired.contest.period(moment),
        moment,
        new_voter(),
        me,
    )
    assert nothing_confirmed(await wired.cast(me, [1, 2]))
    await transaction.rollback()
    assert isinstance(await wired.cast(me, [1, 2]), Accepted)
