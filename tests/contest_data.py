"""A small contest for tests, and its way into the stores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from voting_service.contests.model import (
    BallotRules,
    Candidate,
    Contest,
    ContestRules,
    CutRules,
    Platform,
    ReleaseSchedule,
)
from voting_service.contests.pictures.repository import add_picture, store_portrait
from voting_service.contests.repository import (
    NewContest,
    NewPlatform,
    insert_contest,
    insert_platform,
    load_contest,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.pool import AnyConnection, connect
from voting_service.voting.voters.keyring import create_keys

SLUG = "test-2022"
LIVE = ReleaseSchedule(mode="live")


def both(text: str) -> Text:
    return Text(zh=text, en=text)


def candidates(count: int) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            number=number,
            name=both(f"候选 {number}"),
            trade=both("焊工"),
            district=both("渝中区"),
            summary=both("占位"),
            story=both("占位"),
        )
        for number in range(1, count + 1)
    )


def rules(
    *,
    max_choices: int = 3,
    every: Literal["day", "contest"] = "day",
    release: ReleaseSchedule = LIVE,
    cut: CutRules | None = None,
) -> ContestRules:
    return ContestRules(
        title=both("测试"),
        time_zone="Asia/Shanghai",
        ballot=BallotRules(min_choices=1, max_choices=max_choices, every=every),
        release=release,
        cut=cut or CutRules(size=3, tie="committee"),
    )


def unstored_contest(contest_id: int = 1) -> Contest:
    """A contest of the summer of 2022, for what needs no store."""
    opens_at = datetime(2022, 7, 18, 1, tzinfo=UTC)
    return Contest(contest_id, SLUG, rules(), opens_at, opens_at + timedelta(days=30), 1, ())


async def store_contest(
    connection: AnyConnection,
    master_key: bytes,
    *,
    slug: str = SLUG,
    contest_rules: ContestRules | None = None,
    count: int = 5,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
) -> Contest:
    """Imports a contest that is open from yesterday to in a month unless given otherwise."""
    now = datetime.now(UTC)
    async with connection.transaction():
        contest_id = await insert_contest(
            connection,
            NewContest(
                slug=slug,
                rules=contest_rules or rules(),
                opens_at=opens_at or now - timedelta(days=1),
                # A ballot has whole milliseconds: a close within one would let later ones in.
                closes_at=closes_at or now.replace(microsecond=0) + timedelta(days=30),
                candidates=candidates(count),
            ),
        )
        await create_keys(connection, master_key, contest_id)
    return await load_contest(connection, slug)


async def arrange_contest(owner_url: str | None, contest_id: int, **columns: Any) -> None:
    """Sets columns of a contest whatever its rules say, as if they had always been so."""
    names = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=2))
    owner = await connect(owner_url or "")
    try:
        async with owner.transaction():
            await owner.execute("alter table contests disable trigger keep_contest_rules")
            await owner.execute(
                f"update contests set {names}, revision = revision + 1 where id = $1",
                contest_id,
                *columns.values(),
            )
            await owner.execute("set constraints all immediate")
            await owner.execute("alter table contests enable trigger keep_contest_rules")
    finally:
        await owner.close()


async def execute_as_owner(owner_url: str | None, statement: str, *values: Any) -> None:
    """What the application's role may not do, for tests that need it done."""
    owner = await connect(owner_url or "")
    try:
        await owner.execute(statement, *values)
    finally:
        await owner.close()


async def show_picture(
    owner_url: str | None,
    contest_id: int,
    number: int,
    picture: EncodedPicture,
    caption: Text | None = None,
) -> None:
    """Stores a picture of an announced contest as if it had come with it."""
    owner = await connect(owner_url or "")
    try:
        async with owner.transaction():
            if caption is None:
                await store_portrait(owner, contest_id, number, picture)
            else:
                await add_picture(owner, contest_id, number, picture, caption)
    finally:
        await owner.close()


def make_platform(slug: str = "demo", **more: Any) -> Platform:
    """A platform as it is loaded, without keys; `more` are further fields."""
    fields: dict[str, Any] = {"id": 1, "name": both(slug), **more}
    return Platform(
        slug=slug,
        kind="jwt",
        config={},
        origins=(),
        daily_ceiling=None,
        enabled=True,
        revision=1,
        **fields,
    )


async def store_platform(
    connection: AnyConnection,
    slug: str = "demo",
    keys: Sequence[dict[str, str]] = (),
    **more: Any,
) -> int:
    """Adds a platform with these keys; `more` are further fields of NewPlatform."""
    return await insert_platform(
        connection,
        NewPlatform(slug=slug, name=both(slug), kind="jwt", config={"keys": list(keys)}, **more),
    )


async def switch_platform(connection: AnyConnection, slug: str, *, enabled: bool) -> None:
    """On or off, anybody who may do it."""
    await connection.execute(
        "update platforms set enabled = $2, revision = revision + 1 where slug = $1", slug, enabled
    )
