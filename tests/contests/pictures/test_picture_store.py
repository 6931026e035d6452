"""Pictures in Postgres: what is shown, what is kept, and what is gone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.contest_data import both, store_contest
from tests.picture_files import encoded
from voting_service.contests.model import Contest
from voting_service.contests.pictures.model import MAX_PICTURES, Picture, public_profile
from voting_service.contests.pictures.repository import (
    add_picture,
    load_all_pictures,
    load_file,
    load_files_shown,
    load_owners,
    load_pictures,
    remove_pictures,
    store_portrait,
)
from voting_service.contests.repository import load_contest
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import Connection, Pool

RED, BLUE = encoded(200), encoded(20)


@pytest.fixture
async def contest(database: Connection) -> Contest:
    """Not announced yet: afterwards pictures change by a correction of two people."""
    opens_at = datetime.now(UTC) + timedelta(days=1)
    return await store_contest(database, b"m" * 32, opens_at=opens_at)


async def test_a_portrait_comes_out_as_it_went_in(database: Connection, contest: Contest) -> None:
    await store_portrait(database, contest.id, 3, RED)
    pictures = await load_pictures(database, contest.id)
    assert pictures == {3: Picture(RED.hash, 640, 896)}
    for file in RED.files:
        assert await load_file(database, RED.hash, file.width, file.format) == file.data
    assert await load_file(database, RED.hash, 161, "avif") is None
    assert await load_owners(database) == {RED.hash: {contest.id}}


async def test_every_change_lets_the_workers_read_the_contest_again(
    database: Connection, contest: Contest
) -> None:
    await store_portrait(database, contest.id, 3, RED)
    stored = await load_contest(database, contest.slug)
    assert stored.revision > contest.revision
    await remove_pictures(database, contest.id, 3)
    assert (await load_contest(database, contest.slug)).revision > stored.revision


async def test_a_replaced_portrait_is_shown_no_more_and_kept_for_open_pages(
    database: Connection, contest: Contest
) -> None:
    await store_portrait(database, contest.id, 3, RED)
    await store_portrait(database, contest.id, 3, BLUE)
    await store_portrait(database, contest.id, 3, BLUE)
    assert (await load_pictures(database, contest.id))[3].hash == BLUE.hash
    assert await load_file(database, RED.hash, 160, "avif") is not None
    shown = await load_files_shown(database, contest.id)
    assert {name[:32] for name in shown} == {BLUE.hash}
    assert len(shown) == len(BLUE.files)


async def test_removing_leaves_no_byte_of_any_of_them(
    database: Connection, contest: Contest
) -> None:
    await store_portrait(database, contest.id, 3, RED)
    await store_portrait(database, contest.id, 3, BLUE)
    await store_portrait(database, contest.id, 4, BLUE)
    await remove_pictures(database, contest.id, 3)
    assert await load_owners(database) == {BLUE.hash: {contest.id}}
    assert (await load_pictures(database, contest.id)).keys() == {4}
    assert await load_file(database, BLUE.hash, 160, "avif") is not None, "still candidate 4's"
    await remove_pictures(database, contest.id, 4)
    assert await database.fetchval("select count(*) from picture_files") == 0


async def test_pictures_follow_the_portrait_in_their_order_up_to_a_limit(
    database: Connection, contest: Contest
) -> None:
    captions = [both(f"第 {place} 张") for place in range(MAX_PICTURES)]
    for caption in captions:
        await add_picture(database, contest.id, 3, RED, caption)
    await store_portrait(database, contest.id, 3, BLUE)
    result = (await load_all_pictures(database, contest.id))[3]
    assert [picture.kind for picture in result] == ["portrait"] + ["picture"] * MAX_PICTURES
    assert [picture.caption for picture in result[1:]] == captions
    with pytest.raises(Refused, match="already has 8 pictures"):
        await add_picture(database, contest.id, 3, RED, both("zu viel"))


async def test_pictures_added_at_once_stay_within_the_limit(pool: Pool, contest: Contest) -> None:
    async def add() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await add_picture(connection, contest.id, 3, RED, both("x"))

    outcomes = await asyncio.gather(*(add() for _ in range(12)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert len(refused) == 12 - MAX_PICTURES
    assert all(isinstance(outcome, Refused) for outcome in refused)


def test_an_address_is_that_of_the_narrowest_size_that_is_wide_enough() -> None:
    portrait = Picture("a" * 32, 640, 896)
    assert portrait.url(160, "avif") == f"/pictures/{'a' * 32}-160.avif"
    assert portrait.url(161, "webp") == f"/pictures/{'a' * 32}-320.webp"
    assert portrait.url(9999, "webp") == f"/pictures/{'a' * 32}-640.webp"
    assert portrait.preview_url == f"/pictures/{'a' * 32}-1200.jpeg"
    small = Picture("b" * 32, 640, 480, both("x"))
    assert small.widths == (320, 640)
    assert small.url(1280, "avif") == f"/pictures/{'b' * 32}-640.avif"
    assert small.preview_url is None


async def test_a_public_profile_names_every_file_that_there_is(
    database: Connection, contest: Contest
) -> None:
    await store_portrait(database, contest.id, 1, RED)
    await add_picture(database, contest.id, 1, encoded(90, "picture"), both("车间"))
    pictures = await load_all_pictures(database, contest.id)
    profile = public_profile(contest.candidates[0], pictures[1])
    assert profile.portrait is not None
    addresses = {
        *profile.portrait.avif.values(), *profile.portrait.webp.values(),
        *profile.portrait.jpeg.values(), profile.portrait.preview,
        *profile.pictures[0].avif.values(), *profile.pictures[0].webp.values(),
        *profile.pictures[0].jpeg.values(),
    }  # fmt: skip
    shown = await load_files_shown(database, contest.id)
    assert {str(address).removeprefix("/pictures/") for address in addresses} == shown.keys()
    bare = public_profile(contest.candidates[1], ())
    assert (bare.portrait, bare.pictures) == (None, ())
