"""Stored ballots and staff for tests of tallies and the cut."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tests.contest_data import rules, store_contest
from voting_service.contests.model import (
    Contest,
    ContestRules,
    CutRules,
)
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.infrastructure.timeouts import USUAL_DRAIN_SECONDS
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.accounts.repository import NewAccount, create_account
from voting_service.voting.ballots.commit import new_ballot_ids

MASTER_KEY = b"m" * 32
OPENS = datetime(2022, 7, 1, 0, 0, tzinfo=UTC)
CLOSES = datetime(2022, 7, 10, 4, 0, tzinfo=UTC)
DRAINED = CLOSES + timedelta(seconds=USUAL_DRAIN_SECONDS)
PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class StoredBallot(NamedTuple):
    choices: Sequence[int]
    cast_at: datetime = OPENS + timedelta(hours=1)
    platform_id: int = 1
    held: bool = False


async def insert_ballots(
    connection: AnyConnection, contest: Contest, ballots: Iterable[StoredBallot]
) -> None:
    await connection.executemany(
        "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
        " ballot_id, voter, choices) values ($1, $2, $3, true, $4, $5, $6, $7, $8)",
        [
            (
                contest.id,
                ballot.platform_id,
                int(ballot.held),
                contest.period(ballot.cast_at),
                ballot.cast_at,
                new_ballot_ids(1, ballot.cast_at)[0],
                os.urandom(16),
                list(ballot.choices),
            )
            for ballot in ballots
        ],
    )


async def closed_contest(
    connection: AnyConnection,
    *,
    cut: CutRules,
    votes: Mapping[int, int],
    held: int = 0,
    slug: str = "test-2022",
) -> Contest:
    """A closed contest in which each candidate has these votes, one name a ballot."""
    contest_rules: ContestRules = rules(cut=cut)
    contest = await store_contest(
        connection,
        MASTER_KEY,
        slug=slug,
        contest_rules=contest_rules,
        count=max(votes),
        opens_at=OPENS,
        closes_at=CLOSES,
    )
    counted = [StoredBallot([number]) for number, count in votes.items() for _ in range(count)]
    await insert_ballots(connection, contest, counted)
    await insert_ballots(connection, contest, [StoredBallot([1], held=True)] * held)
    return contest


async def member(connection: AnyConnection, name: str, role: Role = "tally_clerk") -> Account:
    account, _ = await create_account(
        connection, MASTER_KEY, NewAccount(name, role, PASSWORD, totp_secret=SECRET)
    )
    return account
