"""The loop that writes and publishes the public logs: what is published is proved, and a database
that went back stops the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contest_data import store_contest
from tests.cut_data import MASTER_KEY
from tests.voting.public_log.sequenced import LOG_KEY, cast, stored
from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.public_log import LogKeeper, LogOptions
from voting_service.voting.completeness import load_completeness
from voting_service.voting.public_log.files import LogFiles
from voting_service.voting.public_log.receipt_proof import verify_receipt
from voting_service.voting.public_log.repository import load_place
from voting_service.voting.public_log.sequencer import LogIdentity

TABLES = ("ballots", "bundles", "rulings", "entries", "documents")


@pytest.fixture
def options(tmp_path: Path) -> LogOptions:
    identity = LogIdentity("vote.example", LOG_KEY)
    return LogOptions(identity, (), tmp_path / "log", MASTER_KEY, timedelta())


@pytest.fixture
async def contest(database: Connection) -> Contest:
    return await store_contest(database, MASTER_KEY)


def read_files(folder: Path) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_every_ballot_of_a_published_log_is_proved(
    database: Connection, contest: Contest, options: LogOptions
) -> None:
    keeper = LogKeeper(options, load_completeness)
    await keeper.keep(database, contest)
    await cast(database, contest, 925 + 120)
    await keeper.keep(database, contest)
    key = options.identity.verifier(contest.slug)
    files = LogFiles(options.folder / contest.slug)
    for ballot in (await stored(database, contest))[::50]:
        place = await load_place(database, contest.id, ballot)
        assert place is not None
        proof = files.prove(ballot, place)
        assert proof is not None
        assert verify_receipt(proof, key).bundle.bundle == place.bundle


async def test_a_database_that_went_back_stops_the_log(
    database: Connection, owner: Connection, contest: Contest, options: LogOptions
) -> None:
    keeper = LogKeeper(options, load_completeness)
    await cast(database, contest, 200)
    await keeper.keep(database, contest)
    published = read_files(options.folder)
    assert published
    for table in TABLES:
        await owner.execute(f"alter table public_log_{table} disable trigger user")
        await owner.execute(f"delete from public_log_{table}")
    await owner.execute("delete from public_logs")
    again = LogKeeper(options, load_completeness)
    for _ in range(2):
        await again.keep(database, contest)
        assert again.stopped == {contest.slug}
    assert await database.fetchval("select count(*) from public_logs") == 0
    assert read_files(options.folder) == published
