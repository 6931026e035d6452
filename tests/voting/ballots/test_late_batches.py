"""A batch is stored soon after its moment or not at all, and a ceiling holds across crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.contest_data import arrange_contest, rules, store_contest, store_platform
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, containing
from tests.senders import sender
from tests.voting.ballots.conftest import (
    MASTER_KEY,
    Bench,
    new_voter,
    open_bench,
)
from tests.voting.ballots.failing_worker import ANY_SECONDS
from voting_service.contests.model import Contest
from voting_service.errors import AlreadyVoted, NotOpen, Unavailable
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.timeouts import BATCH_GRACE_SECONDS, COMMIT_GRACE_SECONDS
from voting_service.voting.ballots.admit import Admission, Admitter
from voting_service.voting.ballots.vote import Accepted, DatedBallot, Repeated
from voting_service.voting.tally.repository import count_now

GRACE = timedelta(seconds=BATCH_GRACE_SECONDS)


async def test_a_worker_that_slept_between_admitting_and_storing_stores_nothing(
    database: Connection,
    contest: Contest,
    platform_id: int,
    database_url: str,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a snapshot taken since would not be what a recount of its moment states."""
    behind = timedelta()
    admit = Admitter.admit

    def clock() -> datetime:
        return system_clock() - behind

    async def admit_and_sleep(*arguments: Any, **named: Any) -> Sequence[Admission]:
        """When it is over the time is what it is, and the batch has its moment from before."""
        nonlocal behind
        admissions = await admit(*arguments, **named)
        behind = timedelta()
        return admissions

    monkeypatch.setattr(Admitter, "admit", admit_and_sleep)

    async with open_bench(
        database,
        contest,
        platform_id,
        database_url=database_url,
        valkey_url=valkey_url,
        clock=clock,
        clock_limit_seconds=60,  # that the clock is set is not what is tried here
    ) as bench:
        me = new_voter()
        assert isinstance(await bench.cast(new_voter(), [2]), Accepted)
        for _ in range(2):  # the second time with a hint
            behind = GRACE + timedelta(seconds=1)
            assert isinstance(await bench.cast(me, [1]), Unavailable)
        assert await database.fetchval("select count(*) from ballots where choices = '{1}'") == 0
        behind = GRACE - timedelta(seconds=5)
        assert isinstance(await bench.cast(me, [1]), Accepted)


async def test_the_last_moment_before_the_close_counts_and_the_close_does_not(
    database: Connection, platform_id: int, database_url: str, valkey_url: str
) -> None:
    closes_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    contest = await store_contest(database, MASTER_KEY, closes_at=closes_at)
    moment = closes_at - timedelta(milliseconds=1)
    async with open_bench(
        database,
        contest,
        platform_id,
        database_url=database_url,
        valkey_url=valkey_url,
        clock=lambda: moment,
    ) as bench:
        me = new_voter()
        first = await bench.cast(me, [1])
        assert isinstance(first, Accepted)
        assert await bench.cast(me, [1]) == Repeated(first.receipt)
        moment = closes_at
        refused = await bench.cast(new_voter(), [1])
        assert isinstance(refused, NotOpen)
        assert refused.closed


async def test_the_arrival_of_a_vote_decides_however_long_the_stores_make_it_wait(
    database: Connection, platform_id: int, database_url: str, valkey_url: str
) -> None:
    """Its batch begins when the day is over, and then when the vote is closed."""
    zone = ZoneInfo(rules().time_zone)
    day = system_clock().astimezone(zone).date() + timedelta(days=1)
    midnight = datetime.combine(day + timedelta(days=1), time(), zone)
    closes_at = midnight + timedelta(days=1, hours=1)
    contest = await store_contest(database, MASTER_KEY, closes_at=closes_at)
    instant, wait = timedelta(milliseconds=1), timedelta(seconds=6)
    moment = midnight - instant
    async with open_bench(
        database,
        contest,
        platform_id,
        database_url=database_url,
        valkey_url=valkey_url,
        clock=lambda: moment,
        clock_limit_seconds=ANY_SECONDS,
    ) as bench:
        for end in (midnight, closes_at):
            me, period = new_voter(), contest.period(end - instant)
            moment = end - instant
            waiting = [bench.cast(me, [1])]
            moment = end
            waiting += [bench.cast(me, [1]), bench.cast(me, [2])]
            moment = end + wait
            first, second, other = await asyncio.gather(*waiting)
            rows = await database.fetch(
                "select period, cast_at, ballot_id from ballots where voter = $1 order by 1", me
            )
            assert (rows[0]["period"], rows[0]["cast_at"]) == (period, end - instant)
            assert rows[0]["ballot_id"][:6] == int((end - instant).timestamp() * 1000).to_bytes(6)
            assert isinstance(first, Accepted)
            if end == midnight:
                assert isinstance(second, Accepted)
                assert isinstance(other, AlreadyVoted)
                assert [row["period"] for row in rows] == [period, contest.period(end)]
            else:
                assert second == Repeated(first.receipt)
                assert isinstance(other, AlreadyVoted)
                assert len(rows) == 1
                assert isinstance(await bench.cast(new_voter(), [1]), NotOpen)


async def test_the_insert_refuses_what_no_vote_can_have_waited_for(
    bench: Bench, database: Connection
) -> None:
    """Whatever arrival a worker claims; what a challenge and slow stores may take is taken."""
    longest = timedelta(seconds=COMMIT_GRACE_SECONDS - BATCH_GRACE_SECONDS)
    for ago, stored in ((longest + GRACE, 0), (timedelta(seconds=-30), 0), (longest - GRACE, 1)):
        voter = new_voter()
        outcome = await bench.pipeline.submit(
            voter=voter,
            platform_id=bench.platform_id,
            sender=sender(),
            solved=False,
            ballot=DatedBallot.of(bench.contest, [1], bench.clock() - ago),
        )
        assert isinstance(outcome, Accepted if stored else Unavailable)
        rows_stored = await database.fetchval(
            "select count(*) from ballots where voter = $1", voter
        )
        assert rows_stored == stored


async def test_an_early_close_that_a_worker_has_not_heard_of_is_kept(
    bench: Bench, database: Connection, owner_database_url: str
) -> None:
    closed_at = datetime.now(UTC) - timedelta(seconds=1)
    await arrange_contest(owner_database_url, 1, closes_at=closed_at)
    assert isinstance(await bench.cast(new_voter(), [1]), Unavailable)
    assert await database.fetchval("select count(*) from ballots") == 0


async def test_a_ceiling_holds_what_comes_beyond_it_and_what_was_lost_beyond_it(
    database: Connection,
    contest: Contest,
    database_url: str,
    record_wire: TcpProxy,
    valkey_url: str,
) -> None:
    platform_id = await store_platform(database, "small", daily_ceiling=3)
    async with open_bench(
        database, contest, platform_id, database_url=record_wire.url, valkey_url=valkey_url
    ) as bench:
        within = [new_voter() for _ in range(3)]
        for voter in within:
            assert isinstance(await bench.cast(voter, [1]), Accepted)
        beyond = new_voter()
        assert isinstance(await bench.cast(beyond, [2]), Accepted)
        # ③ knows this one, ⑤ has lost it: the retry is beyond the ceiling all the same.
        lost = new_voter()
        record_wire.drop_next(containing(b"{3}"))
        assert isinstance(await bench.cast(lost, [3]), Unavailable)
        assert isinstance(await bench.cast(lost, [3]), Accepted)
        rows = await database.fetch("select voter, disposition from ballots")
        held = {row["voter"] for row in rows if row["disposition"] == 1}
        assert held == {beyond, lost}
        assert await count_now(database, contest.id) == (3, {1: 3})
        # A ballot that stands is not judged again.
        for voter in (*within, beyond):
            assert isinstance(await bench.cast(voter, [1 + (voter == beyond)]), Repeated)
        assert len(await database.fetch("select voter from ballots")) == 5
