"""A batch is stored soon after its moment or not at all, and a ceiling holds across crashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contest_data import store_contest, store_platform
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, containing
from tests.voting.ballots.conftest import (
    MASTER_KEY,
    Bench,
    new_voter,
    open_bench,
)
from voting_service.contests.model import Contest
from voting_service.errors import NotOpen, Unavailable
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.timeouts import COMMIT_GRACE_SECONDS
from voting_service.voting.ballots.admit import Admission, Admitter
from voting_service.voting.ballots.vote import Accepted, Repeated
from voting_service.voting.tally.repository import count_now

GRACE = timedelta(seconds=COMMIT_GRACE_SECONDS)


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


async def test_an_early_close_that_a_worker_has_not_heard_of_is_kept(
    bench: Bench, database: Connection
) -> None:
    await database.execute("update contests set closes_at = now() - interval '1 second'")
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
