"""The demo contest that is over: its ballots, and the cut that two people published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.contests.model import Contest
from voting_service.contests.pictures.repository import store_portrait
from voting_service.contests.repository import NewContest, insert_contest, load_contest
from voting_service.demo.contest import (
    PAST_DURATION,
    PAST_RULES,
    PAST_SLUG,
    SINCE_PAST,
    past_candidates,
)
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.voting.cut.publication import approve, propose_publication
from voting_service.voting.tally.repository import advance_floor
from voting_service.voting.voters.keyring import create_keys

QUERIES = Queries(__package__, "ballots.sql")


async def insert_past_contest(
    connection: Connection, master_key: bytes, portraits: Sequence[EncodedPicture], clock: Clock
) -> None:
    """Insert a contest that closed some days ago, with one portrait for each candidate."""
    closes_at = clock().replace(microsecond=0) - SINCE_PAST
    new = NewContest(
        slug=PAST_SLUG,
        rules=PAST_RULES,
        opens_at=closes_at - PAST_DURATION,
        closes_at=closes_at,
        candidates=past_candidates(),
    )
    contest_id = await insert_contest(connection, new)
    for candidate, encoded in zip(new.candidates, portraits, strict=True):
        await store_portrait(connection, contest_id, candidate.number, encoded)
    await create_keys(connection, master_key, contest_id)


async def insert_ballots(connection: Connection, contest: Contest) -> None:
    """Store ballots over the whole window, without ties, and count them. Call it in no
    transaction: only committed ballots are counted."""
    count = len(contest.candidates)
    await connection.execute(
        QUERIES["insert_ballots"], contest.id, contest.opens_at, contest.closes_at, count
    )
    await advance_floor(connection, contest.id)


async def publish_cut(
    connection: Connection,
    contest: Contest,
    accounts: Mapping[str, Account],
    key: Ed25519PrivateKey,
) -> None:
    """Publish the cut of a closed contest, with two people."""

    async def actor(name: str) -> Actor:
        return Actor(connection, accounts[name], await database_time(connection))

    proposed = await propose_publication(await actor("clerk-1"), contest, key=key)
    await approve(await actor("supervisor-1"), contest, proposed, key=key)


async def hold_past_contest(
    connection: Connection, accounts: Mapping[str, Account], key: Ed25519PrivateKey
) -> None:
    """Let people vote in the inserted contest, and publish its cut."""
    contest = await load_contest(connection, PAST_SLUG)
    await insert_ballots(connection, contest)
    await publish_cut(connection, contest, accounts, key)
