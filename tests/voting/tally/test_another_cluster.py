"""A dump restored into another cluster: refused by every reader of the kept tally, exact again once
the reconciler has taken it over, whatever happens while it does, and what was lost is said."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.contest_data import store_contest
from tests.patience import patient_valkey
from tests.voting.tally.forged import (
    NOW,
    count_by_hand,
    insert_ballot,
)
from tests.voting.tally.second_cluster import (
    burn,
    burn_until,
    move,
)
from voting_service.contests.model import Contest
from voting_service.contests.published_cut import ballots_by_day
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    EmbeddedPostgres,
)
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs import alarms
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.sites.console.settings.views import votes_today
from voting_service.voting.cut.examination import examine, kept_counts
from voting_service.voting.tally import rebuild as rebuild_module
from voting_service.voting.tally.counters import (
    CounterDelta,
    CounterFeed,
    read_counts,
)
from voting_service.voting.tally.errors import TallyOfAnotherCluster
from voting_service.voting.tally.live_figures import load_figures
from voting_service.voting.tally.losses import load_losses
from voting_service.voting.tally.rebuild import rebuild
from voting_service.voting.tally.recount import recount
from voting_service.voting.tally.recount_audit import audit
from voting_service.voting.tally.repository import advance_floor, count_now

SLUGS = (f"contest-{n}" for n in count(1))

READERS: dict[str, Callable[[Connection, Contest], Awaitable[Any]]] = {
    "the reconciler": lambda connection, contest: advance_floor(connection, contest.id),
    "the standings": lambda connection, contest: count_now(connection, contest.id),
    "the desk": lambda connection, contest: load_figures(connection, contest, contest.closes_at),
    "the audit": audit,
    "the cut": kept_counts,
    "its checklist": lambda connection, contest: examine(connection, contest, contest.closes_at),
    "the alarm": lambda connection, contest: alarms.start_detector(
        connection, contest, int(contest.closes_at.timestamp()) // 60
    ),
    "the settings": lambda connection, contest: votes_today(
        connection, contest, contest.opens_at + timedelta(days=1)
    ),
    "the report": ballots_by_day,
}


@pytest.fixture
async def contest(database: Connection) -> Contest:
    return await store_contest(database, b"m" * 32)


@pytest.mark.parametrize("passed", [False, True], ids=["at once", "floor passed"])
async def test_a_restored_dump_is_counted_by_nobody(
    database: Connection,
    database_name: str,
    contest: Contest,
    postgres: EmbeddedPostgres,
    elsewhere: EmbeddedPostgres,
    passed: bool,
) -> None:
    """Also when the new cluster's transaction ids have passed the old floor: what was stored
    before they did is below it and would never be counted."""
    for number in (1, 2, 3):
        await insert_ballot(database, contest.id, [number])
    await advance_floor(database, contest.id)
    await move(postgres, elsewhere, database_name)
    owner = await connect(elsewhere.url(OWNER, database_name))
    restored = await connect(elsewhere.url(APPLICATION, database_name))
    await insert_ballot(restored, contest.id, [1])
    if passed:
        await burn_until(owner, "select floor from tally_floors")
    for reader in READERS.values():
        with pytest.raises(Refused, match=r"another .*cluster.*voting-service work"):
            await reader(restored, contest)
    # The ballots alone name no transaction.
    assert (await recount(restored, contest)).ballots.gross == 4
    for connection in (owner, restored):
        await connection.close()


class Moved(NamedTuple):
    """A contest whose database was restored elsewhere, the counters it had, and three sessions of
    the services beside the owner's."""

    contest: Contest
    valkey: Valkey
    owner: Connection
    service: Connection
    voters: Connection
    slow: Connection

    async def reconcile(self) -> None:
        await reconcile_loop(self.valkey).work(self.service)

    async def vote(self, choices: list[int]) -> None:
        """Stores a ballot and sends its deltas, as ⑤ and ⑦ do."""
        xid = await insert_ballot(self.voters, self.contest.id, choices)
        feed = CounterFeed(self.valkey)
        feed.put(CounterDelta(self.contest.id, xid, 1, {str(number): 1 for number in choices}))
        await feed.flush()

    async def check(self) -> None:
        """Live, record and a recount agree to the last vote."""
        await self.reconcile()
        truth = await count_by_hand(self.service, self.contest.id)
        assert await read_counts(self.valkey, self.contest.id) == truth
        assert await count_now(self.service, self.contest.id) == truth
        figures = await load_figures(self.service, self.contest, self.contest.closes_at)
        assert figures.ballots.net == truth.ballots
        assert (await audit(self.service, self.contest)).difference == 0


@pytest.fixture
async def moved(
    database: Connection,
    database_name: str,
    owner_database_url: str,
    contest: Contest,
    postgres: EmbeddedPostgres,
    elsewhere: EmbeddedPostgres,
    valkey_url: str,
) -> AsyncIterator[Moved]:
    """Forty ballots counted in the first cluster, whose counters survive it; and two that nobody
    had counted yet, 3,000 transactions later. The second cluster has yet to come to all of them."""
    valkey = patient_valkey(valkey_url)
    before = Moved(contest, valkey, database, database, database, database)
    there = await connect(elsewhere.url(APPLICATION, "postgres"))
    reached = await there.fetchval(NOW)
    await there.close()
    owner = await connect(owner_database_url)
    await burn_until(owner, f"select '{reached + 3_000}'::xid8")
    for n in range(40):
        await before.vote([1 + n % 5])
    await before.check()
    await burn(owner, 3_000)
    await owner.close()
    for _ in range(2):
        await before.vote([5])
    await move(postgres, elsewhere, database_name)
    roles = (OWNER, APPLICATION, APPLICATION, APPLICATION)
    sessions = [await connect(elsewhere.url(role, database_name)) for role in roles]
    yield Moved(contest, valkey, *sessions)
    for session in sessions:
        session.terminate()
    await valkey.close()


@pytest.mark.parametrize("worked", [True, False], ids=["loops ran before it", "loops stood"])
async def test_after_a_restore_live_record_and_recount_are_equal_and_stay_so(
    moved: Moved, worked: bool
) -> None:
    await moved.vote([2])
    if not worked:  # the new cluster's transactions pass the old floor unnoticed
        await burn_until(moved.owner, "select floor from tally_floors")
    await moved.check()
    # The new cluster's transaction ids pass all those that the old ballots named.
    for _ in range(6):
        await burn(moved.owner, 1_000)
        for n in range(5):
            await moved.vote([1 + n])
        await moved.check()
    assert (await count_now(moved.service, moved.contest.id)).ballots == 73
    [entry] = await moved.service.fetch("select * from audit_log where act = 'tally_rebuilt'")
    assert (entry["actor"], entry["contest"]) == ("voting-service work", moved.contest.slug)
    assert entry["details"]["ballots"] == 43
    assert entry["details"]["renumbered"] > 0
    assert await load_losses(moved.service, moved.contest.id) == []


async def test_what_was_confirmed_after_the_dump_was_taken_is_counted_and_said(
    moved: Moved,
) -> None:
    feed = CounterFeed(moved.valkey)
    ahead = await moved.owner.fetchval("select max(commit_xid) from ballots")
    for n in range(1, 4):  # as the first cluster's workers confirmed them, one of them held
        counted = int(n > 1)
        votes = {"1": 1} if counted else {}
        feed.put(CounterDelta(moved.contest.id, ahead + n, counted, votes, 1 - counted))
    await feed.flush()
    before = lost()
    with capture_logs() as lines:
        await moved.check()
        await moved.vote([1])
        await moved.check()
    [line] = [line for line in lines if line["event"] == "record_went_back"]
    assert (line["log_level"], line["ballots_lost"]) == ("error", 3)
    assert lost() == before + 3
    [loss] = await load_losses(moved.service, moved.contest.id)
    newest = await moved.service.fetchval("select max(cast_at) from ballots where commit_xid = '0'")
    assert (loss.ballots, loss.newest_at) == (3, newest)
    assert line["confirmed_until"] == loss.confirmed_until.isoformat()


def lost() -> float:
    return REGISTRY.get_sample_value("voting_record_ballots_lost_total") or 0.0


async def test_votes_go_on_while_the_tally_is_rebuilt(
    moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored before, during and after it; one in a transaction that outlasts it."""
    monkeypatch.setattr(rebuild_module, "SLICE", 3)
    begun = asyncio.Event()
    done = asyncio.Event()
    transaction = moved.slow.transaction()
    await transaction.start()
    await insert_ballot(moved.slow, moved.contest.id, [3])

    async def vote() -> None:
        for n in itertools.count():
            await moved.vote([1 + n % 5])
            begun.set()
            if done.is_set():
                return

    async with asyncio.TaskGroup() as group:
        group.create_task(vote())
        await begun.wait()
        for _ in range(3):
            await rebuild(moved.owner, moved.contest, "clerk", of_this_cluster=True)
            assert (await audit(moved.service, moved.contest)).difference == 0
        done.set()
    assert (await audit(moved.service, moved.contest)).difference == 0
    await transaction.commit()
    await moved.check()
    await burn(moved.owner, 5_000)
    await moved.vote([1])
    await moved.check()


FORGED = st.lists(st.tuples(st.integers(-30, 60), st.sampled_from([[1], [2], [1, 3]])), max_size=12)
STEPS = st.lists(
    st.sampled_from(["vote", "begin", "commit", "advance", "rebuild", "burn"]), max_size=16
)


@given(forged=FORGED, steps=STEPS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_whatever_transactions_old_ballots_name(
    database: Connection,
    database_url: str,
    owner_database_url: str,
    valkey_url: str,
    forged: list[tuple[int, list[int]]],
    steps: list[str],
) -> None:
    """Ballots of another cluster name transactions around those of now, before and after; one
    session votes at once, another in a transaction that stays open."""
    contest = await store_contest(database, b"m" * 32, slug=next(SLUGS))
    valkey = patient_valkey(valkey_url)
    owner, other = await connect(owner_database_url), await connect(database_url)
    house = Moved(contest, valkey, owner, database, database, other)
    await owner.execute(
        "insert into tally_floors values ($1, pg_current_xact_id(), now(), 0)", contest.id
    )
    for ahead, choices in forged:
        await insert_ballot(owner, contest.id, choices, xids_ahead=ahead)
    running = None
    with pytest.raises(TallyOfAnotherCluster):
        await count_now(database, contest.id)
    for step in ["rebuild", *steps, "commit"]:
        match step:
            case "rebuild":
                await rebuild(owner, contest, "clerk", of_this_cluster=True)
            case "vote":
                await house.vote([4])
            case "begin" if running is None:
                running = other.transaction()
                await running.start()
                await insert_ballot(other, contest.id, [5])
            case "commit" if running is not None:
                await running.commit()
                running = None
            case "advance":
                floor, totals = await advance_floor(database, contest.id)
                assert totals == await count_by_hand(database, contest.id, below=floor)
            case "burn":
                await burn(owner, 20)
        assert await count_now(database, contest.id) == await count_by_hand(database, contest.id)
    await burn(owner, 100)
    await house.check()
    for connection in (owner, other):
        await connection.close()
    await valkey.close()


async def test_an_old_ballot_that_names_a_transaction_running_here_is_counted_at_once(
    database: Connection, owner: Connection, contest: Contest, valkey_client: Valkey
) -> None:
    await insert_ballot(database, contest.id, [1])
    await advance_floor(database, contest.id)
    await database.execute("update tally_floors set cluster = 1")
    transaction = database.transaction()
    await transaction.start()
    running = await insert_ballot(database, contest.id, [5])
    await owner.execute(
        "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
        " ballot_id, voter, choices, commit_xid)"
        " select contest_id, 1, 0, true, period, cast_at, voter, ballot_id, '{2}', $1 from ballots",
        running,
    )
    await reconcile_loop(valkey_client).work(owner)
    assert await read_counts(valkey_client, contest.id) == (2, {1: 1, 2: 1})
    await transaction.commit()
    await reconcile_loop(valkey_client).work(owner)
    assert await read_counts(valkey_client, contest.id) == (3, {1: 1, 2: 1, 5: 1})


async def test_services_take_over_no_tally_of_this_cluster_and_nobody_changes_a_ballot(
    database: Connection, owner: Connection, contest: Contest
) -> None:
    await insert_ballot(database, contest.id, [1])
    await advance_floor(database, contest.id)
    with pytest.raises(Refused, match="VOTING_OWNER_DATABASE_URL"):
        await rebuild(database, contest, "clerk")
    assert await database.fetchval("select forget_transactions($1, '0', null)", contest.id) == 0
    assert await count_now(database, contest.id) == (1, {1: 1})
    for change in ("choices = '{2}'", "disposition = 1", "commit_xid = '7'", "voter = ballot_id"):
        with pytest.raises(asyncpg.CheckViolationError, match="a ballot does not change"):
            await owner.execute(f"update ballots set {change}")


async def test_a_first_floor_is_refused_where_ballots_name_transactions_to_come(
    database: Connection, owner: Connection, contest: Contest
) -> None:
    """A dump from before the first reconciliation has no floor that could name a cluster."""
    await insert_ballot(owner, contest.id, [1], xids_ahead=1_000)
    for reader in (advance_floor, count_now):
        with pytest.raises(TallyOfAnotherCluster):
            await reader(database, contest.id)
    await rebuild(database, contest, "clerk")
    assert (await advance_floor(database, contest.id))[1] == (1, {1: 1})
