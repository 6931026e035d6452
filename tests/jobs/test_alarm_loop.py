"""From ballots in the database to an alarm within two minutes, whatever happens in between."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg
import pytest
from prometheus_client import REGISTRY

from tests.contest_data import store_platform
from tests.cut_data import CLOSES, OPENS
from tests.database_clocks import as_completeness
from tests.infrastructure.postgres.query_plans import plan
from tests.voting.tally.cast_ballots import (
    CANDIDATES,
    Cast,
    Field,
    open_field,
)
from voting_service.antifraud.alarms.repository import StoredAlarm, load_alarms
from voting_service.contests.repository import load_contests
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.timeouts import ARRIVAL_GRACE_SECONDS
from voting_service.jobs import alarms as alarm_job
from voting_service.jobs.alarms import (
    alarm_loop,
    read_minute,
    start_detector,
)
from voting_service.voting.tally.live_figures import first_ballot_id
from voting_service.voting.tally.repository import advance_floor, count_now

BURST = OPENS + timedelta(hours=30, minutes=20)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ARRIVAL_GRACE = timedelta(seconds=ARRIVAL_GRACE_SECONDS)
FARM = b"farmfarm"


class MovedClock:
    """A clock that stands where it is put."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(BURST)


@pytest.fixture
async def field(database: Connection) -> Field:
    """A day of 2,400 ballots for everybody alike until the burst, from many networks."""
    made = await open_field(database, "field")
    platforms = [await store_platform(database, slug) for slug in ("alpha", "beta")]
    draw = random.Random(1)
    first = BURST - timedelta(hours=24)
    await made.add(
        database,
        [
            Cast(
                [draw.randint(1, CANDIDATES)],
                first + timedelta(seconds=36 * n),
                platforms[n % 3 == 0],
                network=f"net{draw.randrange(60):05}".encode(),
            )
            for n in range(2_400)
        ],
    )
    await advance_floor(database, made.contest.id)
    return made


def burst(count: int, networks: Callable[[int], bytes], begins: datetime = BURST) -> list[Cast]:
    return [
        Cast([4], begins + timedelta(seconds=n * 55 / count), 1 + n % 2, network=networks(n))
        for n in range(count)
    ]


def spread(n: int) -> bytes:
    return f"home{n:04}".encode()


async def alarms(database: Connection, field: Field) -> list[StoredAlarm]:
    return list(await load_alarms(database, field.contest.id, limit=100))[::-1]


def rounds_until(
    clock: MovedClock, until: datetime, work: Callable[[], Awaitable[None]]
) -> Awaitable[None]:
    async def go() -> None:
        while clock.now < until:
            clock.now += timedelta(seconds=15)
            await work()

    return go()


def metric(what: str, looks: str) -> float:
    labels = {"what": what, "looks": looks}
    return REGISTRY.get_sample_value("voting_alarms_total", labels) or 0.0


async def test_a_burst_is_an_alarm_within_two_minutes_and_holds_nobody(
    database: Connection, field: Field, clock: MovedClock
) -> None:
    loop = alarm_loop(as_completeness(clock))
    await loop.work(database)
    assert await alarms(database, field) == []
    await field.add(database, burst(40, spread))
    before, raised = await count_now(database, field.contest.id), metric("candidate", "broadcast")
    await rounds_until(clock, BURST + 2 * MINUTE, lambda: loop.work(database))
    [alarm] = await alarms(database, field)
    assert (alarm.what, alarm.candidate, alarm.looks) == ("candidate", 4, "broadcast")
    assert alarm.minute == BURST
    assert alarm.begins < BURST < alarm.ends
    assert alarm.raised_at <= BURST + 2 * MINUTE
    assert "4号 候选 4" in alarm.sentence.zh
    assert metric("candidate", "broadcast") == raised + 1
    assert await count_now(database, field.contest.id) == before
    assert await database.fetchval("select count(*) from holds") == 0


async def test_a_farm_is_named_by_its_network(
    database: Connection, field: Field, clock: MovedClock
) -> None:
    await field.add(database, burst(15, lambda _: FARM))
    clock.now += 2 * MINUTE
    await alarm_loop(as_completeness(clock)).work(database)
    raised = await alarms(database, field)
    assert raised[0].network == FARM
    assert {alarm.looks for alarm in raised} == {"one_network"}


async def test_a_busy_evening_raises_nothing(
    database: Connection, field: Field, clock: MovedClock
) -> None:
    draw = random.Random(2)
    await field.add(
        database,
        [
            Cast(
                [draw.randint(1, CANDIDATES)],
                BURST + timedelta(seconds=n * 0.4),
                1 + (n % 3 == 0),
                network=f"net{draw.randrange(60):05}".encode(),
            )
            for n in range(900)
        ],
    )
    clock.now += 8 * MINUTE
    await alarm_loop(as_completeness(clock)).work(database)
    assert await alarms(database, field) == []


def failures() -> float:
    return REGISTRY.get_sample_value("voting_loop_failures_total", {"loop": "alarms"}) or 0.0


async def test_after_a_crash_it_continues_and_raises_no_alarm_twice(
    database: Connection, field: Field, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = alarm_loop(as_completeness(clock))
    await loop.work(database)
    await field.add(database, burst(40, spread))
    clock.now = BURST + 2 * MINUTE

    async def away(*_: object) -> bool:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(alarm_job, "store_alarm", away)
        before = failures()
        await loop.work(database)
        assert failures() == before + 1
    assert await alarms(database, field) == []
    await loop.work(database)
    raised = await alarms(database, field)
    assert [item.candidate for item in raised] == [4]
    # Another process that begins with the aggregates and the ballots of the last hour.
    clock.now += 2 * MINUTE
    await alarm_loop(as_completeness(clock)).work(database)
    assert await alarms(database, field) == raised


async def test_a_process_that_takes_over_raises_no_alarm_about_a_burst_that_goes_on(
    database: Connection, field: Field, clock: MovedClock
) -> None:
    await field.add(database, burst(40, spread))
    clock.now = BURST + 2 * MINUTE
    await alarm_loop(as_completeness(clock)).work(database)
    raised = await alarms(database, field)
    assert len(raised) == 1
    # In the next hour: the minute of the alarm itself is not read again.
    await field.add(database, burst(40, spread, BURST + 45 * MINUTE))
    clock.now = BURST + 52 * MINUTE
    await alarm_loop(as_completeness(clock)).work(database)
    assert await alarms(database, field) == raised


async def test_a_burst_while_no_loop_ran_is_found_afterwards(
    database: Connection, field: Field, clock: MovedClock
) -> None:
    await field.add(database, burst(40, spread))
    clock.now = BURST + 15 * MINUTE
    await alarm_loop(as_completeness(clock)).work(database)
    assert [alarm.minute for alarm in await alarms(database, field)] == [BURST]


async def test_only_voting_time_is_read(
    database: Connection, field: Field, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    async def reading(*arguments: object) -> object:
        read.append(arguments[2])  # type: ignore[arg-type]
        return await read_minute(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(alarm_job, "read_minute", reading)
    complete = OPENS + MINUTE + ARRIVAL_GRACE
    for now in (OPENS - MINUTE, complete - timedelta(seconds=1), CLOSES + 3 * HOUR):
        clock.now = now
        await alarm_loop(as_completeness(clock)).work(database)
    assert read == []
    clock.now = complete
    await alarm_loop(as_completeness(clock)).work(database)
    assert read == [int(OPENS.timestamp()) // 60]
    clock.now = CLOSES + 1 * HOUR
    await alarm_loop(as_completeness(clock)).work(database)
    assert read[-1] == int(CLOSES.timestamp()) // 60 - 1


async def test_a_detector_starts_with_the_days_before(database: Connection, field: Field) -> None:
    [contest] = await load_contests(database)
    last = int(BURST.timestamp()) // 60
    state = await start_detector(database, contest, last)
    assert state.next_minute == last // 60 * 60
    assert state.detector.at == state.next_minute - 1


async def test_a_minute_is_a_range_of_the_ids(
    database: Connection, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    await field.add(database, burst(30, lambda n: FARM if n < 9 else spread(n)))
    at = int(BURST.timestamp()) // 60
    minute = await read_minute(database, field.contest, at)
    assert sum(n for (_, candidate), n in minute.votes.items() if candidate == 4) >= 30
    assert minute.networks[FARM, 0] == minute.networks[FARM, 4] == 9
    monkeypatch.setattr(alarm_job, "MAX_NETWORK_COUNTS", 1)
    assert (await read_minute(database, field.contest, at)).networks == {(FARM, 0): 9}
    await database.execute("set plan_cache_mode = force_generic_plan")
    await database.execute("set enable_seqscan = off")
    bounds = first_ballot_id(BURST), first_ballot_id(BURST + MINUTE)
    shown = await plan(
        database, alarm_job.QUERIES["minute_counts"], field.contest.id, *bounds, 5_000
    )
    assert f"ballots_{field.contest.id}_ballot_id_idx" in shown


@pytest.mark.parametrize(
    "statement",
    [
        "update alarms set observed = 0",
        "delete from alarms",
        "truncate alarms_seen",
        "update alarms_seen set seen_by = 'another'",
        "delete from alarms_seen",
    ],
)
async def test_neither_an_alarm_nor_who_saw_it_can_be_changed(
    database: Connection, owner_database_url: str, field: Field, clock: MovedClock, statement: str
) -> None:
    await field.add(database, burst(40, spread))
    clock.now += 2 * MINUTE
    await alarm_loop(as_completeness(clock)).work(database)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(statement)
    owner = await connect(owner_database_url)
    with pytest.raises(asyncpg.CheckViolationError, match="stays"):
        await owner.execute(statement)
    await owner.close()


async def test_a_tally_of_another_cluster_is_skipped_until_it_is_rebuilt(
    database: Connection, field: Field, clock: MovedClock
) -> None:
    loop = alarm_loop(as_completeness(clock))
    await database.execute("update tally_floors set cluster = 1")
    await loop.work(database)
    await database.execute("update tally_floors set cluster = current_cluster()")
    await field.add(database, burst(40, spread))
    await rounds_until(clock, BURST + 2 * MINUTE, lambda: loop.work(database))
    assert [alarm.candidate for alarm in await alarms(database, field)] == [4]
