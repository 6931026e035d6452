"""The hot statements keep using their indexes when the table is large."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from tests.contest_data import store_contest
from tests.infrastructure.postgres.query_plans import plan
from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.voting.ballots import commit
from voting_service.voting.ballots.vote import to_unix_ms
from voting_service.voting.tally import repository

ROWS = 50_000


@pytest.fixture
async def filled(database: Connection, owner_database_url: str) -> Contest:
    """A contest with many ballots, each thousand of them in a transaction of its own."""
    contest = await store_contest(database, b"m" * 32)
    for _ in range(ROWS // 1_000):
        await database.execute(
            "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
            " ballot_id, voter, choices)"
            " select $1, 1, 0, true, $2, now(), decode(md5(random()::text), 'hex'),"
            " decode(md5(random()::text), 'hex'), '{1,2}' from generate_series(1, 1000)",
            contest.id,
            datetime.now(UTC).date(),
        )
    owner = await connect(owner_database_url)
    await owner.execute("analyze")
    await owner.close()
    return contest


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_hot_statements_use_their_index(
    database: Connection, filled: Contest, mode: str
) -> None:
    await database.execute(f"set plan_cache_mode = {mode}")
    today, voters = datetime.now(UTC).date(), [os.urandom(16) for _ in range(512)]
    stored = await plan(
        database, commit.QUERIES["stored_ballots"], filled.id, [today] * 512, voters
    )
    assert f"Index Scan using ballots_{filled.id}_pkey" in stored
    assert "Seq Scan" not in stored
    by_id = await plan(database, commit.QUERIES["ballot_by_id"], filled.id, voters[0])
    assert f"ballots_{filled.id}_ballot_id_idx" in by_id
    assert "Seq Scan" not in by_id


async def test_the_insert_finds_repeated_voters_by_the_primary_key_and_reads_no_ballots(
    database: Connection, filled: Contest
) -> None:
    now = datetime.now(UTC)
    shown = await plan(
        database,
        commit.QUERIES["insert_ballots"],
        filled.id,
        commit.as_array([now.date()]),
        [os.urandom(16)],
        [os.urandom(16)],
        commit.as_array([1]),
        commit.as_array([0]),
        commit.as_array(['"{1}"']),
        commit.as_array([True]),
        commit.as_array([to_unix_ms(now)]),
        timedelta(seconds=10),
        commit.as_array(["00" * 24]),
        commit.as_array([False]),
        commit.as_array([0]),
        commit.as_array([0]),
        commit.as_array([60]),
        commit.as_array([0]),
        timedelta(seconds=2),
        now,
        timedelta(seconds=67),
    )
    assert "Conflict Arbiter Indexes: ballots_one_per_voter" in shown
    assert "Sort Key: t.voter" in shown
    assert "Scan on ballots" not in shown


async def test_increments_read_only_what_is_new(database: Connection, filled: Contest) -> None:
    floor, _ = await repository.advance_floor(database, filled.id)
    index = f"ballots_{filled.id}_commit_xid_idx"
    since = await plan(database, repository.QUERIES["counts_since"], filled.id, *floor[:2])
    assert index in since
    assert "Seq Scan" not in since
    increment = await plan(
        database,
        repository.QUERIES["keep_increment"],
        filled.id,
        *floor[:2],
        floor.xid + 10,
        [floor.xid + 5],
    )
    assert index in increment
    assert "Seq Scan" not in increment


async def test_another_contest_s_ballots_are_not_even_looked_at(
    database: Connection, filled: Contest
) -> None:
    other = await store_contest(database, b"m" * 32, slug="other")
    shown = await plan(database, repository.QUERIES["counts_since"], other.id, 0, [])
    assert f"ballots_{other.id}" in shown
    assert f"ballots_{filled.id}" not in shown
