"""What the public sees: from the counters, from the record, from snapshots, or the last bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contest_data import (
    candidates,
    rules,
    store_contest,
)
from tests.database_clocks import GRACE, as_completeness
from tests.infrastructure.postgres.tcp_proxy import TcpProxy
from tests.patience import patient_valkey
from tests.voting.tally.forged import insert_ballot
from voting_service.contests.model import Contest, ReleaseSchedule
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.postgres.pool import (
    Connection,
    Pool,
    open_pool,
)
from voting_service.infrastructure.valkey import OPEN_CIRCUIT_SECONDS, Valkey
from voting_service.jobs.snapshots import snapshots_loop
from voting_service.voting.tally import standings
from voting_service.voting.tally.counters import set_counts
from voting_service.voting.tally.repository import (
    advance_floor,
    load_snapshot,
    take_snapshot,
)
from voting_service.voting.tally.standings import StandingsCache, ranked

OPENS = datetime(2022, 7, 1, 0, 0, tzinfo=UTC)
CLOSES = datetime(2022, 7, 10, 4, 0, tzinfo=UTC)
NOON = datetime(2022, 7, 5, 4, 0, tzinfo=UTC)
"""In Shanghai."""
DAILY = ReleaseSchedule(mode="daily", daily_at=time(12, 0))


class Moving:
    """A clock and the counters' breaker's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = NOON
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Moving:
    return Moving()


@pytest.fixture
async def store(fast_wire: TcpProxy, clock: Moving) -> AsyncIterator[Valkey]:
    opened = patient_valkey(fast_wire.url, clock.monotonic)
    yield opened
    await opened.close()


@pytest.fixture
async def wired_pool(record_wire: TcpProxy) -> AsyncIterator[Pool]:
    async with open_pool(record_wire.url, size=2) as opened:
        yield opened


async def open_cache(
    database: Connection,
    pool: Pool,
    store: Valkey,
    clock: Moving,
    release: ReleaseSchedule | None = None,
) -> StandingsCache:
    contest = await store_contest(
        database,
        b"m" * 32,
        contest_rules=rules(release=release) if release else rules(),
        opens_at=OPENS,
        closes_at=CLOSES,
    )
    return StandingsCache(contest, pool, store, clock)


@pytest.fixture
async def cache(
    database: Connection, wired_pool: Pool, store: Valkey, clock: Moving
) -> StandingsCache:
    """Of a contest whose counts are live."""
    return await open_cache(database, wired_pool, store, clock)


def shown(cache: StandingsCache) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(cache.shown().body)
    return body


def votes(cache: StandingsCache) -> dict[int, int]:
    return {line["number"]: line["votes"] for line in shown(cache)["candidates"] if line["votes"]}


async def reconcile(database: Connection, cache: StandingsCache, store: Valkey) -> None:
    await set_counts(store, cache.contest.id, *await advance_floor(database, cache.contest.id))


@given(
    counts=st.dictionaries(st.integers(1, 8), st.integers(0, 4)),
    size=st.integers(1, 8),
)
def test_ranks(counts: dict[int, int], size: int) -> None:
    contest = Contest(1, "c", rules(), OPENS, CLOSES, 1, candidates(size))
    lines = ranked(contest, counts)
    assert [line.number for line in lines] == sorted(
        range(1, size + 1), key=lambda number: (-counts.get(number, 0), number)
    )
    for line in lines:
        assert line.votes == counts.get(line.number, 0)
        above = sum(other.votes > line.votes for other in lines)
        assert line.rank == (1 + above if lines[0].votes else None), "no votes, no ranks"


async def test_before_the_first_look_there_is_nothing_to_show(cache: StandingsCache) -> None:
    with pytest.raises(StoreUnavailable):
        cache.shown()


async def test_live_counts_come_from_the_counters_and_cost_the_record_nothing(
    cache: StandingsCache,
    database: Connection,
    store: Valkey,
    record_wire: TcpProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing but a look every few seconds at whose floor it is."""
    monkeypatch.setattr(standings, "RECORD_REFRESH_SECONDS", 1e9)
    await cache.refresh()
    await insert_ballot(database, cache.contest.id, [1, 3])
    await reconcile(database, cache, store)
    record_wire.forget()
    await cache.refresh()
    assert shown(cache)["release"] == "live"
    assert shown(cache)["ballots"] == 1
    assert votes(cache) == {1: 1, 3: 1}
    assert [line["rank"] for line in shown(cache)["candidates"]] == [1, 1, 3, 3, 3]
    assert record_wire.connections == record_wire.round_trips == 0


async def test_without_counters_the_record_answers_at_once_and_then_less_often(
    cache: StandingsCache, database: Connection, record_wire: TcpProxy
) -> None:
    await insert_ballot(database, cache.contest.id, [2])
    await cache.refresh()  # no floor yet: the counters mean nothing
    assert votes(cache) == {2: 1}
    record_wire.forget()
    for _ in range(10):
        await cache.refresh()
    assert record_wire.round_trips == 0


async def test_counts_do_not_go_back_when_the_counters_go(
    cache: StandingsCache, database: Connection, store: Valkey, fast_wire: TcpProxy
) -> None:
    """The record read a moment before the counters came is older than what they have shown."""
    await insert_ballot(database, cache.contest.id, [2])
    await cache.refresh()
    await insert_ballot(database, cache.contest.id, [2])
    await reconcile(database, cache, store)
    await cache.refresh()
    assert votes(cache) == {2: 2}
    await fast_wire.refuse()
    await cache.refresh()
    assert votes(cache) == {2: 2}


async def test_with_both_stores_away_the_last_bytes_stay(
    cache: StandingsCache,
    database: Connection,
    store: Valkey,
    clock: Moving,
    record_wire: TcpProxy,
    fast_wire: TcpProxy,
) -> None:
    await insert_ballot(database, cache.contest.id, [2])
    await reconcile(database, cache, store)
    await cache.refresh()
    last = cache.shown()
    await record_wire.refuse()
    await fast_wire.refuse()
    with pytest.raises(StoreUnavailable):
        await cache.refresh()
    assert cache.shown() is last
    await insert_ballot(database, cache.contest.id, [2])
    await record_wire.listen()
    await cache.refresh()
    assert votes(cache) == {2: 2}
    await fast_wire.listen()
    clock.seconds += OPEN_CIRCUIT_SECONDS
    await reconcile(database, cache, store)
    await cache.refresh()
    assert votes(cache) == {2: 2}


async def test_same_counts_same_bytes(
    cache: StandingsCache, database: Connection, store: Valkey, clock: Moving
) -> None:
    await insert_ballot(database, cache.contest.id, [2])
    await reconcile(database, cache, store)
    await cache.refresh()
    first = cache.shown()
    clock.now += timedelta(minutes=5)
    await cache.refresh()
    assert cache.shown() is first

    await insert_ballot(database, cache.contest.id, [2])
    await reconcile(database, cache, store)
    await cache.refresh()
    second = cache.shown()
    assert second.etag != first.etag
    assert second.body != first.body
    assert shown(cache)["as_of"] == clock.now.isoformat().replace("+00:00", "Z")


async def test_hidden_counts_ask_no_store(
    database: Connection,
    wired_pool: Pool,
    store: Valkey,
    clock: Moving,
    record_wire: TcpProxy,
    fast_wire: TcpProxy,
) -> None:
    cache = await open_cache(database, wired_pool, store, clock, ReleaseSchedule(mode="hidden"))
    await insert_ballot(database, cache.contest.id, [2])
    await cache.refresh()
    assert shown(cache) == {"contest": cache.contest.slug, "release": "hidden"}
    assert record_wire.round_trips == fast_wire.round_trips == 0


async def snapshots(database: Connection) -> dict[datetime, tuple[int, dict[str, int]]]:
    rows = await database.fetch("select as_of, ballots, votes from standings_snapshots")
    return {row["as_of"]: (row["ballots"], row["votes"]) for row in rows}


async def test_a_snapshot_is_taken_once_resolved_exact_at_its_moment_and_then_stays(
    database: Connection, wired_pool: Pool, store: Valkey, clock: Moving
) -> None:
    cache = await open_cache(database, wired_pool, store, clock, DAILY)
    contest_id = cache.contest.id
    instant = timedelta(microseconds=1)
    yesterday = NOON - timedelta(days=1)
    await insert_ballot(database, contest_id, [1], cast_at=yesterday - instant)
    await insert_ballot(database, contest_id, [2], cast_at=yesterday)
    await insert_ballot(database, contest_id, [3], cast_at=NOON - instant)
    await insert_ballot(database, contest_id, [3], held=True, cast_at=yesterday)
    await insert_ballot(database, contest_id, [4], cast_at=NOON)
    loop = snapshots_loop(as_completeness(clock))

    clock.now = NOON + GRACE - instant
    await loop.work(database)
    assert NOON not in await snapshots(database)
    clock.now += instant
    await loop.work(database)
    taken = await snapshots(database)
    assert taken[yesterday] == (1, {"1": 1})
    assert taken[NOON] == (3, {"1": 1, "2": 1, "3": 1})
    assert len(taken) == 5  # from the first noon of the contest on

    await insert_ballot(database, contest_id, [5], cast_at=NOON - instant)
    await loop.work(database)
    await take_snapshot(database, contest_id, NOON)
    assert await snapshots(database) == taken


async def test_what_was_shown_stays_until_the_next_snapshot_is_taken(
    database: Connection, wired_pool: Pool, store: Valkey, clock: Moving
) -> None:
    cache = await open_cache(database, wired_pool, store, clock, DAILY)
    await insert_ballot(database, cache.contest.id, [1], cast_at=OPENS)
    clock.now = OPENS
    await cache.refresh()
    assert shown(cache)["release"] == "hidden"
    assert shown(cache)["available_from"] == "2022-07-01T04:00:00Z"

    await take_snapshot(database, cache.contest.id, NOON)
    clock.now = NOON + timedelta(hours=1)
    await cache.refresh()
    first = cache.shown()
    assert (shown(cache)["release"], shown(cache)["as_of"]) == ("snapshot", "2022-07-05T04:00:00Z")
    assert votes(cache) == {1: 1}

    await insert_ballot(database, cache.contest.id, [2], cast_at=NOON)
    clock.now = NOON + timedelta(days=1, seconds=1)
    await cache.refresh()
    assert cache.shown() is first
    await take_snapshot(database, cache.contest.id, NOON + timedelta(days=1))
    await cache.refresh()
    assert votes(cache) == {1: 1, 2: 1}
    assert cache.shown().etag != first.etag


async def test_a_worker_that_has_shown_nothing_yet_hides_a_snapshot_that_is_due(
    database: Connection, wired_pool: Pool, store: Valkey, clock: Moving
) -> None:
    cache = await open_cache(database, wired_pool, store, clock, DAILY)
    clock.now = NOON + timedelta(seconds=1)
    await cache.refresh()
    assert shown(cache)["release"] == "hidden"
    assert await load_snapshot(database, cache.contest.id, NOON) is None


async def test_the_counts_of_a_blackout_are_those_of_its_beginning(
    database: Connection, wired_pool: Pool, store: Valkey, clock: Moving
) -> None:
    release = ReleaseSchedule(mode="live", blackout_hours=12)
    cache = await open_cache(database, wired_pool, store, clock, release)
    begins = CLOSES - timedelta(hours=12)
    await insert_ballot(database, cache.contest.id, [1], cast_at=begins - timedelta(seconds=1))
    await reconcile(database, cache, store)
    clock.now = begins - timedelta(seconds=1)
    await cache.refresh()
    assert shown(cache)["release"] == "live"

    await insert_ballot(database, cache.contest.id, [2], cast_at=begins)
    await reconcile(database, cache, store)
    clock.now = begins + GRACE
    await cache.refresh()
    assert votes(cache) == {1: 1}
    await snapshots_loop(as_completeness(clock)).work(database)
    for later in (clock.now, CLOSES, CLOSES + timedelta(days=30)):
        clock.now = later
        await cache.refresh()
        assert (shown(cache)["release"], votes(cache)) == ("snapshot", {1: 1})


async def test_live_counts_are_compared_with_those_of_the_last_midnight(
    cache: StandingsCache, database: Connection, store: Valkey, clock: Moving
) -> None:
    midnight = cache.contest.midnight_before(NOON)
    for minutes, choices in ((-90, [1]), (-1, [1, 2]), (1, [1]), (60, [3])):
        moment = midnight + timedelta(minutes=minutes)
        await insert_ballot(database, cache.contest.id, choices, cast_at=moment)
    await reconcile(database, cache, store)
    await cache.refresh()
    assert datetime.fromisoformat(shown(cache)["compared_with"]) == midnight
    changes = {line["number"]: line["change"] for line in shown(cache)["candidates"]}
    assert changes == {1: 1, 2: 0, 3: 1, 4: 0, 5: 0}
    for now in (OPENS + timedelta(hours=1), CLOSES):
        clock.now = now
        await cache.refresh()
        assert "compared_with" not in shown(cache), "nothing to compare with"
        assert "change" not in shown(cache)["candidates"][0]


async def test_a_release_is_compared_with_the_one_before(
    database: Connection, wired_pool: Pool, store: Valkey, clock: Moving
) -> None:
    cache = await open_cache(database, wired_pool, store, clock, DAILY)
    contest = cache.contest.id
    before = NOON - timedelta(days=1)
    await insert_ballot(database, contest, [1], cast_at=before - timedelta(hours=1))
    await take_snapshot(database, contest, before)
    await insert_ballot(database, contest, [1, 2], cast_at=before + timedelta(hours=1))
    await take_snapshot(database, contest, NOON)
    await cache.refresh()
    assert datetime.fromisoformat(shown(cache)["compared_with"]) == before
    assert [line["change"] for line in shown(cache)["candidates"]] == [1, 1, 0, 0, 0]
    assert [line["number"] for line in shown(cache)["candidates"]] == [1, 2, 3, 4, 5]


def trend(cache: StandingsCache) -> dict[str, list[int]]:
    """The votes of those who have any, by moment and candidate."""
    body = json.loads(cache.trend().body)
    assert len({len(body["moments"]), *(len(line["votes"]) for line in body["candidates"])}) == 1
    return {
        moment: [line["votes"][place] for line in body["candidates"]]
        for place, moment in enumerate(body["moments"])
    }


async def test_live_counts_have_grown_from_midnight_to_midnight(
    cache: StandingsCache, database: Connection, store: Valkey
) -> None:
    midnight = cache.contest.midnight_before(NOON)
    for hours, choices in ((-49, [1]), (-25, [1, 2]), (-1, [1]), (1, [3])):
        moment = midnight + timedelta(hours=hours)
        await insert_ballot(database, cache.contest.id, choices, cast_at=moment)
    await reconcile(database, cache, store)
    await cache.refresh()
    assert trend(cache) == {
        "2022-07-01T16:00:00Z": [0, 0, 0, 0, 0],
        "2022-07-02T16:00:00Z": [1, 0, 0, 0, 0],
        "2022-07-03T16:00:00Z": [2, 1, 0, 0, 0],
        "2022-07-04T16:00:00Z": [3, 1, 0, 0, 0],
    }


async def test_daily_counts_have_grown_from_release_to_release(
    database: Connection, wired_pool: Pool, store: Valkey, clock: Moving
) -> None:
    cache = await open_cache(database, wired_pool, store, clock, DAILY)
    contest = cache.contest.id
    await insert_ballot(database, contest, [1], cast_at=NOON - timedelta(hours=30))
    await insert_ballot(database, contest, [1, 2], cast_at=NOON - timedelta(hours=1))
    for moment in (NOON - timedelta(days=1), NOON, NOON + timedelta(days=1)):
        await take_snapshot(database, contest, moment)
    await cache.refresh()
    before = cache.standings().tag
    assert trend(cache) == {
        "2022-07-04T04:00:00Z": [1, 0, 0, 0, 0],
        "2022-07-05T04:00:00Z": [2, 1, 0, 0, 0],
    }
    clock.now = NOON + timedelta(days=1)
    await cache.refresh()
    assert list(trend(cache))[-1] == "2022-07-06T04:00:00Z"
    assert cache.standings().tag != before
