"""The recount against a slow, obvious count of the same ballots."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.contest_data import SLUG, store_platform
from tests.cut_data import (
    CLOSES,
    OPENS,
    StoredBallot,
    closed_contest,
    insert_ballots,
)
from voting_service.contests.model import Contest, CutRules
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting.tally.recount import Count, recount
from voting_service.voting.tally.repository import advance_floor, count_now

ZONE = ZoneInfo("Asia/Shanghai")
NOBODY = dict.fromkeys(range(1, 7), 0)


async def random_ballots(
    database: Connection, seed: int = 1, count: int = 400
) -> tuple[Contest, list[StoredBallot], dict[int, str]]:
    contest = await closed_contest(
        database, cut=CutRules(size=3, tie="committee"), votes=NOBODY, slug=SLUG
    )
    slugs = {await store_platform(database, slug): slug for slug in ("alpha", "beta")}
    chance = random.Random(seed)
    ballots = [
        StoredBallot(
            choices=chance.sample(range(1, 7), chance.randint(1, 3)),
            cast_at=OPENS + timedelta(seconds=chance.randrange(9 * 86400)),
            platform_id=chance.choice(list(slugs)),
            held=chance.random() < 0.2,
        )
        for _ in range(count)
    ]
    await insert_ballots(database, contest, ballots)
    return contest, ballots, slugs


async def test_it_equals_a_count_by_hand(database: Connection) -> None:
    contest, ballots, slugs = await random_ballots(database)
    counted = await recount(database, contest)
    held = sum(ballot.held for ballot in ballots)
    assert counted.ballots == Count(gross=len(ballots), held=held, void=0)
    assert counted.ballots.net == len(ballots) - held
    gross: Counter[tuple[int, str, str, str]] = Counter()
    waiting: Counter[tuple[int, str, str, str]] = Counter()
    for ballot in ballots:
        local = ballot.cast_at.astimezone(ZONE)
        for number in ballot.choices:
            key = (
                number,
                slugs[ballot.platform_id],
                f"{local:%Y-%m-%d}",
                f"{local:%Y-%m-%dT%H}:00+08:00",
            )
            gross[key] += 1
            waiting[key] += ballot.held
    expected = sorted((key, Count(votes, waiting[key])) for key, votes in gross.items())
    assert counted.grouped(("candidate", "platform", "day", "hour")) == expected
    by_number = Counter(number for ballot in ballots for number in ballot.choices)
    assert {n: count.gross for n, count in counted.votes(contest.numbers).items()} == by_number


async def test_every_grouping_adds_up_to_the_whole(database: Connection) -> None:
    contest, _, _ = await random_ballots(database)
    counted = await recount(database, contest)
    for by in (("platform",), ("day",), ("hour",), ("hour", "platform")):
        groups = counted.grouped(by)
        assert sum(count.gross for _, count in groups) == counted.ballots.gross
        assert sum(count.held for _, count in groups) == counted.ballots.held
        assert [key for key, _ in groups] == sorted({key for key, _ in groups})


async def test_a_day_is_the_contest_s_day(database: Connection) -> None:
    contest = await closed_contest(database, cut=CutRules(size=3, tie="committee"), votes=NOBODY)
    moments = [
        datetime(2022, 7, 5, 15, 59, 59, 999999, UTC),
        datetime(2022, 7, 5, 16, 0, tzinfo=UTC),
    ]
    await insert_ballots(database, contest, [StoredBallot([1], moment) for moment in moments])
    counted = await recount(database, contest)
    assert counted.grouped(("day",)) == [(("2022-07-05",), Count(1)), (("2022-07-06",), Count(1))]


async def test_an_empty_contest_names_every_candidate(database: Connection) -> None:
    contest = await closed_contest(database, cut=CutRules(size=3, tie="committee"), votes=NOBODY)
    counted = await recount(database, contest)
    assert counted.votes(contest.numbers) == dict.fromkeys(range(1, 7), Count())
    assert counted.ballots == Count()
    assert counted.as_of == CLOSES


async def test_other_contests_do_not_count(database: Connection) -> None:
    contest, ballots, _ = await random_ballots(database, count=20)
    await closed_contest(
        database, cut=CutRules(size=1, tie="committee"), votes={1: 5}, slug="other"
    )
    assert (await recount(database, contest)).ballots.gross == len(ballots)


async def test_it_equals_the_kept_increments(database: Connection) -> None:
    contest, ballots, _ = await random_ballots(database, count=0)
    chance = random.Random(2)
    for _ in range(5):
        batch = [
            StoredBallot([chance.randint(1, 6)], held=chance.random() < 0.3)
            for _ in range(chance.randint(0, 30))
        ]
        await insert_ballots(database, contest, batch)
        ballots += batch
        if chance.random() < 0.6:
            await advance_floor(database, contest.id)
        counted = await recount(database, contest)
        live = await count_now(database, contest.id)
        assert live.ballots == counted.ballots.net
        net = {n: c.net for n, c in counted.votes(contest.numbers).items() if c.net}
        assert {n: votes for n, votes in live.votes.items() if votes} == net


async def test_its_limits_end_with_it(database: Connection) -> None:
    contest, _, _ = await random_ballots(database, count=1)
    before = await database.fetchval("show statement_timeout")
    await recount(database, contest)
    assert await database.fetchval("show statement_timeout") == before
