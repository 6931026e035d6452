"""The loops: held ballots are gathered once their day is over; the kept tally is checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from tests.contest_data import store_contest, store_platform
from tests.cut_data import (
    CLOSES,
    MASTER_KEY,
    OPENS,
    StoredBallot,
)
from tests.database_clocks import GRACE, as_completeness
from tests.voting.rulings.rulings_data import (
    get_staff,
    hold,
    rule,
    store_ballots,
)
from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.jobs.held_ballots import held_ballots_loop
from voting_service.jobs.recount_audit import recount_audit_loop
from voting_service.voting.completeness import Completeness
from voting_service.voting.rulings.repository import load_hold_ballots, load_holds
from voting_service.voting.tally.recount_audit import (
    Audit,
    audit,
    audit_due,
    load_audit,
)
from voting_service.voting.tally.repository import advance_floor

NOON = datetime(2022, 7, 5, 4, 0, tzinfo=UTC)
"""In Shanghai."""
DRAINED = CLOSES + GRACE


@pytest.fixture
async def contest(database: Connection) -> Contest:
    return await store_contest(database, MASTER_KEY, opens_at=OPENS, closes_at=CLOSES)


async def test_held_ballots_become_holds_a_platform_and_local_day(
    database: Connection, contest: Contest
) -> None:
    alpha, beta = [await store_platform(database, slug) for slug in ("alpha", "beta")]
    evening = datetime(2022, 7, 4, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    stored = [
        StoredBallot([1], cast_at=evening, platform_id=alpha, held=True),
        StoredBallot([1], cast_at=evening, platform_id=alpha),
        StoredBallot([2], cast_at=evening + timedelta(minutes=2), platform_id=alpha, held=True),
        StoredBallot([3], cast_at=evening - timedelta(days=1), platform_id=beta, held=True),
        StoredBallot([3], cast_at=evening, platform_id=beta, held=True),
    ]
    ids = await store_ballots(database, contest, stored)
    by_time = [item for item in ids if item != ids[0]]
    campaign = await hold(database, contest, ids[:1])  # beta's of the day before, known already
    await held_ballots_loop(as_completeness(lambda: NOON)).work(database)
    await held_ballots_loop(as_completeness(lambda: NOON)).work(database)
    gathered = [item for item in await load_holds(database, contest) if item.id != campaign]
    assert [(item.kind, item.label, item.ballots) for item in gathered] == [
        ("screening", "alpha 2022-07-04", 1),
        ("screening", "beta 2022-07-04", 1),
    ]
    assert "1 张选票" in gathered[0].evidence.sentence.zh
    await held_ballots_loop(as_completeness(lambda: DRAINED - timedelta(seconds=1))).work(database)
    assert len(await load_holds(database, contest)) == 4
    shown = await load_hold_ballots(database, contest, gathered[0].id, limit=9)
    assert [item.ballot_id for item in shown] == by_time[:1]


async def test_the_day_of_the_close_is_gathered_when_it_has_drained(
    database: Connection, contest: Contest
) -> None:
    platform = await store_platform(database)
    last = StoredBallot([1], cast_at=CLOSES - timedelta(seconds=1), platform_id=platform, held=True)
    await store_ballots(database, contest, [last])
    await held_ballots_loop(as_completeness(lambda: DRAINED - timedelta(seconds=1))).work(database)
    assert await load_holds(database, contest) == ()
    await held_ballots_loop(as_completeness(lambda: DRAINED)).work(database)
    assert [item.ballots for item in await load_holds(database, contest)] == [1]


async def test_an_audit_agrees_and_finds_what_was_tampered_with(
    database: Connection, contest: Contest, owner_database_url: str
) -> None:
    staff = await get_staff(database)
    ids = await store_ballots(
        database, contest, [StoredBallot([1, 2], held=n % 2 == 0) for n in range(6)]
    )
    await advance_floor(database, contest.id)
    await rule(database, contest, staff, await hold(database, contest, ids[:3]), "void", NOON)
    loop = recount_audit_loop(as_completeness(lambda: NOON + timedelta(hours=1)))
    await loop.work(database)
    done = await load_audit(database, contest.id)
    assert done is not None
    assert (done.ballots, done.difference) == (6, 0)
    await database.execute("update tally_hours set votes = votes + 2 where candidate = 2")
    assert (await audit(database, contest)).difference == 6  # two held, twice, and two counted
    await database.execute("update tally_hours set votes = votes - 2 where candidate = 2")
    owner = await connect(owner_database_url)
    await owner.execute(
        "alter table ruling_effects disable trigger user;"
        "update ruling_effects set void = void - 1 where candidate = 1;"
        "alter table ruling_effects enable trigger user"
    )
    await owner.close()
    assert (await audit(database, contest)).difference == 1
    await loop.work(database)
    assert REGISTRY.get_sample_value("voting_tally_audit_difference_votes") == 1


def audited(at: datetime) -> Audit:
    return Audit(at, at - GRACE, 1, 0, 0.1)


async def test_when_an_audit_is_due(database: Connection, contest: Contest) -> None:
    def due(last: Audit | None, ruled_at: datetime | None, now: datetime) -> bool:
        return audit_due(contest, last, ruled_at, Completeness(now, now - GRACE))

    minute = timedelta(minutes=1)
    assert not due(None, None, OPENS - minute)
    assert due(None, None, OPENS)
    assert not due(audited(NOON), NOON, NOON + minute)
    assert due(audited(NOON), None, NOON + timedelta(hours=1))
    assert due(audited(CLOSES), None, DRAINED)
    assert not due(audited(DRAINED), None, DRAINED + timedelta(days=9))
    ruled = DRAINED + timedelta(days=1)
    assert due(audited(DRAINED), ruled, ruled + minute)
    assert not due(audited(ruled + minute), ruled, ruled + timedelta(days=9))
    late = replace(audited(DRAINED), complete_before=CLOSES - minute)
    assert due(late, None, DRAINED + minute)
