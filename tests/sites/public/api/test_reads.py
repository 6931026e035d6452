"""Standings by the release schedule, entity tags, and what a receipt's holder may see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.contest_data import SLUG, rules
from tests.sites.public.api.running_service import (
    CONTEST,
    STANDINGS,
    MovedClock,
    Service,
    check_problem,
    running_service,
)
from voting_service.contests.model import ReleaseSchedule
from voting_service.infrastructure.postgres.pool import connect
from voting_service.infrastructure.timeouts import USUAL_DRAIN_SECONDS
from voting_service.settings import Settings
from voting_service.voting.tally.repository import take_snapshot

With = Callable[[ReleaseSchedule], AbstractAsyncContextManager[Service]]


@pytest.fixture
def releasing(settings: Settings, clock: MovedClock) -> With:
    """A service whose contest releases counts by the given schedule."""

    @asynccontextmanager
    async def start(release: ReleaseSchedule) -> AsyncIterator[Service]:
        async with running_service(settings, rules=rules(release=release), clock=clock) as service:
            yield service

    return start


async def standings(service: Service) -> dict[str, Any]:
    await service.reconcile()
    answer = await service.client.get(STANDINGS)
    assert answer.status_code == 200
    shown: dict[str, Any] = answer.json()
    return shown


async def vote(service: Service, *ballots: list[int]) -> None:
    for choices in ballots:
        assert (await service.cast(await service.open_session(), choices)).status_code == 201


async def test_live_standings_rank_and_share_ranks(releasing: With) -> None:
    async with releasing(ReleaseSchedule(mode="live")) as service:
        at_first = await standings(service)
        assert {candidate["rank"] for candidate in at_first["candidates"]} == {None}
        await vote(service, [1, 2], [2, 3], [2])
        shown = await standings(service)
    assert shown["contest"] == SLUG
    assert shown["release"] == "live"
    assert shown["ballots"] == 3
    assert [(c["number"], c["votes"], c["rank"]) for c in shown["candidates"]] == [
        (2, 3, 1),
        (1, 1, 2),
        (3, 1, 2),
        (4, 0, 4),
        (5, 0, 4),
    ]


async def test_hidden_standings_say_nothing(releasing: With) -> None:
    async with releasing(ReleaseSchedule(mode="hidden")) as service:
        await vote(service, [1], [1, 2])
        shown = await standings(service)
    assert shown == {"contest": SLUG, "release": "hidden"}


async def test_daily_standings_are_those_of_the_last_snapshot(
    releasing: With, clock: MovedClock
) -> None:
    async with releasing(ReleaseSchedule(mode="daily", daily_at=time(12))) as service:
        zone = service.contest.zone
        noon = datetime.combine(datetime.now(zone).date() + timedelta(days=1), time(12), zone)
        await vote(service, [1])
        clock.set(noon + timedelta(seconds=30))
        due = await standings(service)
        assert due["release"] == "hidden"
        assert "candidates" not in due
        await take_snapshot(service.database, service.contest.id, noon.astimezone(UTC))
        shown = await standings(service)
        assert shown["release"] == "snapshot"
        assert datetime.fromisoformat(shown["as_of"]) == noon
        assert shown["ballots"] == 1
        await vote(service, [2], [2])
        assert await standings(service) == shown


async def test_before_the_first_daily_moment_only_that_moment_is_shown(
    releasing: With, clock: MovedClock
) -> None:
    async with releasing(ReleaseSchedule(mode="daily", daily_at=time(12))) as service:
        clock.set(service.contest.opens_at + timedelta(seconds=1))
        shown = await standings(service)
    assert shown["release"] == "hidden"
    assert datetime.fromisoformat(shown["available_from"]) > service.contest.opens_at
    assert set(shown) == {"contest", "release", "available_from"}


async def test_a_blackout_keeps_the_counts_of_its_beginning(
    releasing: With, clock: MovedClock
) -> None:
    async with releasing(ReleaseSchedule(mode="live", blackout_hours=24)) as service:
        await vote(service, [3])
        assert (await standings(service))["release"] == "live"
        begins = service.contest.closes_at - timedelta(hours=24)
        clock.set(begins + timedelta(minutes=1))
        await take_snapshot(service.database, service.contest.id, begins)
        await vote(service, [4], [4])
        shown = await standings(service)
        assert shown["release"] == "snapshot"
        assert shown["ballots"] == 1
        assert shown["candidates"][0] == {"number": 3, "votes": 1, "rank": 1}
        clock.set(service.contest.closes_at + timedelta(hours=1))
        assert await standings(service) == shown


async def test_what_is_hidden_is_hidden_everywhere(releasing: With) -> None:
    async with releasing(ReleaseSchedule(mode="hidden")) as service:
        await vote(service, [1])
        await service.reconcile()
        for path in (CONTEST, f"{CONTEST}/candidates", f"{CONTEST}/candidates/1", STANDINGS):
            text = (await service.client.get(path)).text
            assert "votes" not in text
            assert '"rank"' not in text
            assert "ballots" not in text


PREPARED = [STANDINGS, f"{CONTEST}/candidates", f"{CONTEST}/candidates/1"]


@pytest.mark.parametrize("path", PREPARED)
@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ("*", 304),
        ('"other", {etag}', 304),
        ('  {etag}  ,"other"', 304),
        ('"other"', 200),
        ("", 200),
        ('"', 200),
        ("garbage", 200),
        ('"",,,"', 200),
        ('"' + "x" * 5000 + '"', 200),
        ("\xff\xfe", 200),
        ("{etag}x", 200),
    ],
)
async def test_if_none_match(
    shared_service: Service, path: str, if_none_match: str, status: int
) -> None:
    # Another test may have emptied Valkey; until its counts are back, the standings change.
    await shared_service.reconcile()
    etag = (await shared_service.client.get(path)).headers["etag"]
    value = if_none_match.replace("{etag}", etag).encode("latin-1")
    answer = await shared_service.ask(path.encode(), headers=[(b"if-none-match", value)])
    assert answer.status_code == status
    assert answer.headers["etag"] == etag
    assert (answer.content == b"") is (status == 304)


async def test_the_tag_changes_with_the_counts_and_only_with_them(service: Service) -> None:
    before = (await service.client.get(STANDINGS)).headers["etag"]
    await service.reconcile()
    assert (await service.client.get(STANDINGS)).headers["etag"] == before
    await vote(service, [1])
    await service.reconcile()
    after = await service.client.get(STANDINGS, headers={"if-none-match": before})
    assert after.status_code == 200
    assert after.headers["etag"] != before


@pytest.mark.parametrize("path", [*PREPARED, CONTEST])
async def test_public_reads_may_be_kept_and_say_that_origins_differ(
    shared_service: Service, path: str
) -> None:
    answer = await shared_service.client.get(path)
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert answer.headers["vary"] == "Origin"


async def test_profiles_are_those_of_the_contest(shared_service: Service) -> None:
    listed = (await shared_service.client.get(f"{CONTEST}/candidates")).json()
    assert listed["contest"] == SLUG
    assert [c["number"] for c in listed["candidates"]] == [1, 2, 3, 4, 5]
    for profile in listed["candidates"]:
        alone = await shared_service.client.get(f"{CONTEST}/candidates/{profile['number']}")
        assert alone.json() == profile


async def test_the_facts_say_what_was_announced(shared_service: Service) -> None:
    facts = (await shared_service.client.get(CONTEST)).json()
    assert facts["ballot"] == {"min_choices": 1, "max_choices": 3, "every": "day"}
    assert facts["phase"] == "open"
    assert facts["time_zone"] == "Asia/Shanghai"
    for name in ("opens_at", "closes_at"):
        assert datetime.fromisoformat(facts[name]).utcoffset() == timedelta(hours=8)
    assert abs(datetime.fromisoformat(facts["server_time"]) - datetime.now(UTC)) < timedelta(
        seconds=60
    )


async def test_a_receipts_holder_sees_that_it_is_recorded_and_no_choices(
    service: Service,
) -> None:
    cast = (await service.cast(await service.open_session(), [2, 5])).json()["receipt"]
    answer = await service.client.get(f"{CONTEST}/receipts/{cast['ballot']}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    seen = answer.json()
    assert set(seen) == {"ballot", "contest", "period", "issued_at", "state"}
    assert seen["state"] == "recorded"
    assert (seen["ballot"], seen["contest"], seen["period"]) == (
        cast["ballot"],
        SLUG,
        cast["period"],
    )
    assert seen["issued_at"] == cast["issued_at"], "written alike, with milliseconds"
    upper = await service.client.get(f"{CONTEST}/receipts/{cast['ballot'].upper()}")
    check_problem(upper, 404)
    elsewhere = await service.client.get(f"/api/v1/contests/other-2022/receipts/{cast['ballot']}")
    check_problem(elsewhere, 404)


async def test_states_are_shown_after_the_day_and_held_votes_never(
    settings: Settings, clock: MovedClock
) -> None:
    async with running_service(settings, clock=clock) as service:
        owner = await connect(settings.migration_url)
        await owner.execute(
            "update platforms set daily_ceiling = 1, revision = revision + 1 where slug = 'demo'"
        )
        await owner.close()
        await service.refresh()
        receipts = []
        for _ in range(2):
            answer = await service.cast(await service.open_session(), [1])
            assert answer.status_code == 201
            receipts.append(answer.json()["receipt"]["ballot"])

        async def states() -> list[str]:
            return [
                (await service.client.get(f"{CONTEST}/receipts/{ballot}")).json()["state"]
                for ballot in receipts
            ]

        assert await states() == ["recorded"] * 2, "nobody learns at once which of them was held"
        assert (await standings(service))["ballots"] == 1
        zone = service.contest.zone
        tomorrow = datetime.now(zone).date() + timedelta(days=1)
        gathered = datetime.combine(tomorrow, time(0, 1), zone)
        gathered += timedelta(seconds=USUAL_DRAIN_SECONDS)
        clock.set(gathered - timedelta(seconds=5))
        assert await states() == ["recorded"] * 2
        clock.set(gathered)
        assert await states() == ["counted", "held"]
