"""Pictures and profiles over HTTP, and the moment before which there are none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from starlette.routing import Route

from tests.candidate_changes import TwoPeople
from tests.contest_data import (
    SLUG,
    arrange_contest,
    both,
    execute_as_owner,
    rules,
    show_picture,
)
from tests.patience import PATIENCE_SECONDS
from tests.picture_files import encoded
from tests.sites.public.api.running_service import (
    CONTEST,
    OTHER_SLUG,
    PATIENT,
    MovedClock,
    Service,
    running_service,
    serving,
    until_ready,
)
from voting_service.contests.candidate_changes.service import (
    CorrectionDraft,
    decline_candidate_change,
    propose_correction,
)
from voting_service.contests.pictures.repository import store_portrait
from voting_service.contests.repository import load_contest
from voting_service.infrastructure.images.model import EncodedFile, EncodedPicture
from voting_service.infrastructure.postgres.pool import Pool
from voting_service.settings import Settings
from voting_service.sites.public.app import ROUTES
from voting_service.sites.public.caches.images import ImageCache

RED, BLUE = encoded(200), encoded(20)
LIST = f"{CONTEST}/candidates"


def address(picture: EncodedPicture, width: int = 160, format_: str = "avif") -> str:
    return f"/pictures/{picture.hash}-{width}.{format_}"


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    """Open for voting, so published; candidate 3 has a portrait."""
    async with running_service(settings) as running:
        await show_picture(settings.owner_database_url, running.contest.id, 3, RED)
        await running.refresh()
        yield running


@pytest.fixture(scope="module")
async def lasting_service(
    lasting_settings: Callable[[str], Awaitable[Settings]],
) -> AsyncIterator[Service]:
    """The same, for all tests that only read."""
    settings = await lasting_settings("test_picture_addresses")
    async with running_service(settings) as running:
        await show_picture(settings.owner_database_url, running.contest.id, 3, RED)
        await running.refresh()
        yield running


@pytest.mark.parametrize("file", RED.files, ids=lambda file: f"{file.width}.{file.format}")
async def test_a_picture_may_be_kept_for_ever(lasting_service: Service, file: EncodedFile) -> None:
    width, format_, data = file
    answer = await lasting_service.client.get(address(RED, width, format_))
    assert answer.status_code == 200
    assert answer.content == data
    assert answer.headers["content-type"] == f"image/{format_}"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    tag = answer.headers["etag"]
    again = {"if-none-match": tag}
    kept = await lasting_service.client.get(address(RED, width, format_), headers=again)
    assert (kept.status_code, kept.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        f"/pictures/{'0' * 32}-160.avif",
        f"/pictures/{RED.hash}-161.avif",
        f"/pictures/{RED.hash}-160.png",
        f"/pictures/{RED.hash}-160.jpeg",
        f"/pictures/{RED.hash}-1200.avif",
        f"/pictures/{RED.hash.upper()}-160.avif",
        f"/pictures/{RED.hash}-0160.avif",
        f"/pictures/{RED.hash}-99999.avif",
        f"/pictures/{RED.hash}-160.avif%0a",
        f"/pictures/{RED.hash}-160.avif/",
        f"/pictures/{RED.hash}",
        "/pictures/",
        "/pictures/..%2f..%2fetc%2fpasswd",
        "/pictures/%00",
    ],
)
async def test_any_other_name_is_not_found(lasting_service: Service, path: str) -> None:
    answer = await lasting_service.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_profiles_name_their_pictures(lasting_service: Service) -> None:
    listed = (await lasting_service.client.get(LIST)).json()["candidates"]
    assert [entry["number"] for entry in listed if "portrait" in entry] == [3]
    portrait = listed[2]["portrait"]
    assert (await lasting_service.client.get(f"{LIST}/3")).json()["portrait"] == portrait
    for width, path in portrait["avif"].items():
        answer = await lasting_service.client.get(path)
        assert answer.content == next(
            f.data for f in RED.files if (str(f.width), f.format) == (width, "avif")
        )
    assert (await lasting_service.client.get(portrait["preview"])).status_code == 200


async def test_a_new_portrait_shows_without_a_restart_and_a_removed_one_is_gone(
    service: Service,
) -> None:
    before = await service.client.get(LIST)
    assert (await service.client.get(address(RED))).status_code == 200
    people = await TwoPeople.store(service.database)
    contest = await people.correct(await load_contest(service.database, SLUG), 3, BLUE)
    await service.refresh()
    after = await service.client.get(LIST)
    assert after.headers["etag"] != before.headers["etag"]
    assert after.json()["candidates"][2]["portrait"]["hash"] == BLUE.hash
    assert (await service.client.get(address(RED))).status_code == 200, "a page may still be open"
    await people.correct(contest, 3, pictures=[])
    await execute_as_owner(service.settings.owner_database_url, "delete from picture_files")
    await service.refresh()
    for picture in (RED, BLUE):
        assert (await service.client.get(address(picture))).status_code == 404
    assert "portrait" not in (await service.client.get(f"{LIST}/3")).json()


APPEARING = (LIST, f"{LIST}/3", f"{CONTEST}/standings", address(RED))
UNDER_EMBARGO = (*APPEARING, f"{LIST}/99", f"{CONTEST}/standings/events")


@pytest.fixture
async def embargoed(settings: Settings) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    """A service whose contest comes out in an hour, and a second worker beside it."""
    now = datetime.now(UTC).replace(microsecond=0)
    announced = msgspec.structs.replace(rules(), publish_at=now + timedelta(hours=1))
    clock = MovedClock()
    clock.set(now + timedelta(hours=1, minutes=1))  # ready means that there are standings
    async with running_service(
        settings, rules=announced, opens_at=now + timedelta(hours=2), clock=clock
    ) as service:
        await store_portrait(service.database, service.contest.id, 3, RED)
        await service.refresh()
        async with (
            serving(settings, clock, {}, PATIENT) as (_, address_of_second),
            httpx.AsyncClient(base_url=address_of_second, timeout=PATIENCE_SECONDS) as second,
        ):
            await until_ready(second)
            yield service, second


async def test_everything_appears_at_its_moment_on_every_worker(
    embargoed: tuple[Service, httpx.AsyncClient],
) -> None:
    service, second = embargoed
    publish_at = service.contest.rules.publish_at
    assert publish_at is not None
    clients = (service.client, second)
    for before in (timedelta(hours=1), timedelta(seconds=5)):
        service.clock.set(publish_at - before)
        for client in clients:
            for path in UNDER_EMBARGO:
                await check_kept_back(client, path, publish_at)
            facts = (await client.get(CONTEST)).json()
            assert datetime.fromisoformat(facts["publish_at"]) == publish_at
            assert facts["title"]["zh"]
    service.clock.set(publish_at)
    for client in clients:
        answers = {path: await client.get(path) for path in APPEARING}
        assert {answer.status_code for answer in answers.values()} == {200}
        assert (await client.get(f"{LIST}/99")).status_code == 404
        assert (await client.get(CONTEST)).json()["phase"] == "upcoming"


async def test_no_address_of_the_whole_site_tells_a_name_early(
    embargoed: tuple[Service, httpx.AsyncClient],
) -> None:
    """Every route there is, asked as anybody and as somebody who is signed in."""
    service, _ = embargoed
    session = await service.open_session()
    assert service.contest.rules.publish_at is not None
    values = {
        "slug": SLUG, "language": "zh", "number": 3, "name": address(RED).rpartition("/")[2],
        "ballot": "0" * 32, "serial": "x", "below": SLUG, "digest": "0" * 16,
        "platform": "first", "path": "checkpoint",
    }  # fmt: skip
    secrets = [candidate.name.zh for candidate in service.contest.candidates]
    secrets += [RED.hash, "候选 ".encode("unicode_escape").decode()]
    revealing: set[str] = set()
    for published in (False, True):
        moved = timedelta(0 if published else -1)
        service.clock.set(service.contest.rules.publish_at + moved)
        for route in ROUTES:
            assert isinstance(route, Route)
            path = re.sub(r"{(\w+)(:\w+)?}", lambda match: str(values[match[1]]), route.path)
            if path.endswith("/events") and published:
                continue  # has no end
            for method in (route.methods or set()) - {"HEAD"}:
                for headers in ({}, {"cookie": f"session-{SLUG}={session}"}):
                    answer = await service.client.request(
                        method, path, headers=headers, data={"choices": "3", "choice": "3"}
                    )
                    text = answer.text + str(answer.headers).replace(path, "")
                    if any(secret in text for secret in secrets):
                        revealing.add(f"{method} {route.path}")
        if not published:
            assert revealing == set()
    assert len(revealing) >= 4, "the walk found what it looks for once that is published"


async def check_kept_back(client: httpx.AsyncClient, path: str, publish_at: datetime) -> None:
    answer = await client.get(path, headers={"accept-language": "zh"})
    assert answer.status_code == 403, path
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem["type"] == "/problems/not-published"
    assert problem["title"] == "候选人资料尚未发布"
    assert datetime.fromisoformat(problem["publish_at"]) == publish_at
    assert RED.hash not in answer.text
    assert "候选 " not in answer.text


async def test_a_picture_that_a_published_contest_shows_too_is_public(service: Service) -> None:
    other = service.state.contest_state(OTHER_SLUG).contest
    await arrange_contest(
        service.settings.owner_database_url,
        other.id,
        opens_at=service.clock() + timedelta(days=1),
    )
    for picture in (RED, BLUE):
        await store_portrait(service.database, other.id, 1, picture)
    await service.refresh()
    assert (await service.client.get(address(RED))).status_code == 200
    assert (await service.client.get(address(BLUE))).status_code == 403


async def test_a_picture_that_no_correction_published_or_that_one_hides_is_not_public(
    service: Service,
) -> None:
    green = encoded(90)
    people = await TwoPeople.store(service.database)
    contest = await load_contest(service.database, SLUG)
    request = await propose_correction(
        people.proposer(), contest, 3, CorrectionDraft({}, BLUE, True, both("a wrong person"))
    )
    await service.refresh()
    assert (await service.client.get(address(BLUE))).status_code == 404
    contest = await people.approve(contest, request)
    await service.refresh()
    statuses = {p: (await service.client.get(address(p))).status_code for p in (RED, BLUE)}
    assert statuses == {RED: 404, BLUE: 200}
    declined = await propose_correction(
        people.proposer(), contest, 3, CorrectionDraft({}, green, False, both("another"))
    )
    await decline_candidate_change(people.approver(), contest, declined, "no")
    await service.refresh()
    assert (await service.client.get(address(green))).status_code == 404


async def test_a_crowd_that_asks_at_once_costs_one_query_a_file(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []

    async def load(_connection: object, name: str, *_: object) -> bytes:
        loads.append(name)
        return b"x"

    monkeypatch.setattr("voting_service.sites.public.caches.images.load_file", load)
    cache = ImageCache(pool)
    pictures = await asyncio.gather(
        *(cache.read(name, name, 1, "avif") for name in ["a", "b"] * 25)
    )
    assert set(pictures) == {b"x"}
    assert sorted(loads) == ["a", "b"]


async def test_what_is_kept_in_memory_is_bounded(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voting_service.sites.public.caches.images.MAX_KEPT_BYTES", 1000)
    loads: list[str] = []

    async def load(_connection: object, name: str, *_: object) -> bytes:
        loads.append(name)
        return b"x" * 400

    monkeypatch.setattr("voting_service.sites.public.caches.images.load_file", load)
    cache = ImageCache(pool)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert await cache.read(name, name, 1, "avif") == b"x" * 400
    assert loads == ["a", "b", "c", "b"], "the one not asked for longest goes first"
