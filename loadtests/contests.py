"""Contests for measuring: the demo's shape, fifty placeholders, straight into the stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from joserfc.jwk import OKPKey

from loadtests import PLATFORM
from voting_service.contests.model import (
    BallotRules,
    Candidate,
    ContestRules,
    CutRules,
    ReleaseSchedule,
    Text,
)
from voting_service.contests.store import insert_contest, insert_platform
from voting_service.storage.postgres import Connection
from voting_service.voters.keyring import create_keys

CANDIDATES = 50
CHOICES = 3
"""Names on a measured ballot."""

_RULES = ContestRules(
    title=Text(zh="负载测试", en="Load test"),
    time_zone="Asia/Shanghai",
    ballot=BallotRules(min_choices=1, max_choices=10, every="day"),
    release=ReleaseSchedule(mode="live"),
    cut=CutRules(size=30, tie="committee"),
)


def _placeholder(number: int) -> Candidate:
    return Candidate(
        number=number,
        name=Text(zh=f"候选人 {number:02d}", en=f"Candidate {number:02d}"),
        trade=Text(zh="示例职业工种", en="Placeholder trade"),
        district=Text(zh="示例区县", en="Placeholder district"),
        summary=Text(zh="占位简介。" * 10, en="Placeholder summary. " * 5),
        story=Text(zh="占位事迹材料。" * 60, en="Placeholder story. " * 60),
    )


async def make_contest(connection: Connection, slug: str, master_key: bytes) -> int:
    """Stores a contest that opened an hour ago, with its keys; its id."""
    now = datetime.now(UTC)
    async with connection.transaction():
        contest_id = await insert_contest(
            connection,
            slug=slug,
            rules=_RULES,
            opens_at=now - timedelta(hours=1),
            closes_at=now + timedelta(days=31),
            candidates=[_placeholder(number + 1) for number in range(CANDIDATES)],
        )
        await create_keys(connection, master_key, contest_id)
    return contest_id


async def make_platform(connection: Connection, private_key: bytes) -> int:
    """Stores the demo platform with its key, of which `private_key` is the PEM; its id."""
    public = OKPKey.import_key(private_key).as_dict(private=False)
    return await insert_platform(
        connection,
        slug=PLATFORM,
        name=Text(zh="演示媒体平台", en="Demo media platform"),
        kind="jwt",
        config={"keys": [public]},
    )
