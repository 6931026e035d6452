"""What the application's role is not allowed to do, even if the program has a bug."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import asyncpg
import pytest

from tests.contest_data import store_contest
from voting_service.infrastructure.postgres.pool import Connection


@pytest.fixture
async def ballot(database: Connection) -> bytes:
    """A stored ballot's id, in a contest of number 1."""
    contest = await store_contest(database, b"m" * 32)
    assert contest.id == 1
    ballot_id, now = os.urandom(16), datetime.now(UTC)
    await database.execute(
        "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
        " ballot_id, voter, choices) values (1, 1, 0, true, $1, $2, $3, $4, '{1}')",
        now.date(),
        now,
        ballot_id,
        os.urandom(16),
    )
    await database.execute(
        "insert into standings_snapshots values (1, now(), 1, '{}');"
        "insert into tally_hours values (1, now(), 1, 0, 1, 1);"
        "insert into tally_floors values (1, '1', now())"
    )
    return ballot_id


@pytest.mark.parametrize(
    "statement",
    [
        "update ballots set choices = '{2}'",
        "update ballots set disposition = 1",
        "update ballots_1 set choices = '{2}'",
        "delete from ballots",
        "delete from ballots_1",
        "truncate ballots",
        "truncate ballots_1",
        "drop table ballots_1",
        "alter table ballots detach partition ballots_1",
        "insert into ballots_1 select * from ballots",
        "alter table ballots disable trigger all",
        "create index on ballots (voter)",
        "create table mine (n int)",
        "update standings_snapshots set ballots = 2",
        "delete from standings_snapshots",
        "delete from tally_hours",
        "delete from tally_floors",
        "update record_losses set ballots = 1",
        "delete from record_losses",
        "delete from contests",
        "delete from candidates",
        "delete from platforms",
        "update contest_keys set wrapped_key = ''",
        "select voter from voter_accounts",
        "insert into voter_accounts select contest_id, voter, voter from ballots",
        "update voter_accounts set voter = account",
        "delete from voter_accounts",
        "update platforms set slug = 'other'",
        "set role voting_owner",
        "grant voting_owner to voting_service",
    ],
)
async def test_it_is_refused(database: Connection, ballot: bytes, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(statement)
    assert await database.fetchval("select ballot_id from ballots") == ballot


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("voter", b"too short"),
        ("ballot_id", b""),
        ("disposition", 2),
        ("choices", None),
        ("cast_at", None),
    ],
)
async def test_a_ballot_that_cannot_be_is_refused(
    database: Connection, ballot: bytes, column: str, value: object
) -> None:
    row: dict[str, object] = {
        "contest_id": 1,
        "platform_id": 1,
        "disposition": 0,
        "screened": True,
        "period": datetime.now(UTC).date(),
        "cast_at": datetime.now(UTC),
        "ballot_id": os.urandom(16),
        "voter": os.urandom(16),
        "choices": [1],
    }
    row[column] = value
    places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await database.execute(
            f"insert into ballots ({', '.join(row)}) values ({places})", *row.values()
        )


async def test_making_room_for_a_contest_s_ballots_again_changes_nothing(
    database: Connection, ballot: bytes
) -> None:
    await database.execute("select create_ballot_partition(1::smallint)")
    assert await database.fetchval("select ballot_id from ballots") == ballot


async def test_a_contest_without_room_takes_no_ballots(database: Connection, ballot: bytes) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await database.execute(
            "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
            " ballot_id, voter, choices)"
            " values (99, 1, 0, true, now()::date, now(), $1, $1, '{1}')",
            ballot,
        )
