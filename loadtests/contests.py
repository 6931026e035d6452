"""Contests for measurements, with the demo's rules and candidates, inserted directly."""

from __future__ import annotations

from datetime import UTC, datetime

from joserfc.jwk import OKPKey

from voting_service.contests.repository import (
    NewContest,
    NewPlatform,
    insert_contest,
    insert_platform,
)
from voting_service.demo import contest
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.voting.voters.keyring import create_keys

CANDIDATES = contest.CANDIDATES
CHOICES = 3
"""Names on a measured ballot."""


async def make_contest(connection: Connection, slug: str, master_key: bytes) -> int:
    """Insert a contest that opens now, with its keys. Return its id."""
    now = datetime.now(UTC)
    async with connection.transaction():
        contest_id = await insert_contest(
            connection,
            NewContest(
                slug=slug,
                rules=contest.RULES,
                opens_at=now,
                closes_at=now + contest.DURATION,
                candidates=contest.candidates(),
            ),
        )
        await create_keys(connection, master_key, contest_id)
    return contest_id


async def make_platform(
    connection: Connection, private_key: bytes, slug: str = contest.PLATFORM_SLUG
) -> int:
    """Insert a platform of the demo with the public key of `private_key` (PEM). Return its id."""
    key = OKPKey.import_key(private_key)
    return await insert_platform(
        connection,
        NewPlatform(
            slug=slug,
            kind="jwt",
            config={"keys": [key.as_dict(private=False, kid=key.thumbprint())]},
            **contest.PLATFORMS[slug]._asdict(),
        ),
    )
