"""The loop that writes and publishes the public logs: what is published is proved, and a database
that went back stops the log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.browser.serving import serving
from tests.contest_data import store_contest
from tests.cut_data import MASTER_KEY
from tests.voting.public_log.sequenced import LOG_KEY, cast, stored
from voting_service.contests.model import Contest
from voting_service.errors import Unavailable
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.transparency_log.signed_note import COSIGNATURE, verifier_key
from voting_service.jobs.public_log import LogKeeper, LogOptions
from voting_service.sites.witness.app import WitnessState, create_app
from voting_service.sites.witness.cosigned import open_cosigned_logs
from voting_service.voting.completeness import load_completeness
from voting_service.voting.public_log.files import LogFiles
from voting_service.voting.public_log.publication import PublishedLog
from voting_service.voting.public_log.receipt_proof import verify_receipt
from voting_service.voting.public_log.repository import load_places
from voting_service.voting.public_log.sequencer import LogIdentity
from voting_service.voting.public_log.witness_client import Witness

TABLES = ("ballots", "bundles", "rulings", "entries", "documents")


@pytest.fixture
def options(tmp_path: Path) -> LogOptions:
    identity = LogIdentity("vote.example", LOG_KEY)
    return LogOptions(identity, (), tmp_path / "log", MASTER_KEY, timedelta())


@pytest.fixture
async def contest(database: Connection) -> Contest:
    return await store_contest(database, MASTER_KEY)


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


@asynccontextmanager
async def witness(options: LogOptions, contest: Contest, file: Path) -> AsyncIterator[LogOptions]:
    """A witness of the contest's log that answers; the options with it."""
    name, key = "unions.example/w", LOG_KEY
    logs = {options.identity.origin(contest.slug): options.identity.verifier(contest.slug)}
    with open_cosigned_logs(file) as cosigned:
        async with serving(create_app(WitnessState(name, key, logs, cosigned))) as (_, origin):
            yield options._replace(
                witnesses=(Witness(verifier_key(name, key, COSIGNATURE), origin),)
            )


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
        places = await load_places(database, contest.id, ballot)
        assert len(places) == 1
        proof = files.prove(ballot, places)
        assert proof is not None
        assert verify_receipt(proof, key).bundle.bundle == places[0].bundle


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


async def test_a_stop_between_the_witnesses_and_the_checkpoint_heals_itself(
    database: Connection,
    contest: Contest,
    options: LogOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The witness has then seen more than is published, and no less than is stored."""
    async with witness(options, contest, tmp_path / "cosigned.json") as witnessed:
        await LogKeeper(witnessed, load_completeness).keep(database, contest)
        await cast(database, contest, 200)
        with monkeypatch.context() as patch:
            patch.setattr(PublishedLog, "show", stopped)
            with pytest.raises(KeyboardInterrupt):
                await LogKeeper(witnessed, load_completeness).keep(database, contest)
        log = PublishedLog(options.folder / contest.slug, options.identity.verifier(contest.slug))
        before = log.newest()
        restarted = LogKeeper(witnessed, load_completeness)
        await restarted.keep(database, contest)
        assert not restarted.stopped
        after = log.newest()
        assert before is not None and after is not None and after[0].size > before[0].size
        assert restarted.missing == 0


async def test_nothing_is_written_after_a_start_until_every_witness_answers(
    database: Connection, contest: Contest, options: LogOptions, tmp_path: Path
) -> None:
    async with witness(options, contest, tmp_path / "cosigned.json") as witnessed:
        await LogKeeper(witnessed, load_completeness).keep(database, contest)
    await cast(database, contest, 200)
    entries = "select count(*) from public_log_entries"
    before = await database.fetchval(entries)
    restarted = LogKeeper(witnessed, load_completeness)
    with pytest.raises(Unavailable, match="witnesses that do not answer"):
        await restarted.keep(database, contest)
    await restarted.keep(database, contest)  # too early to ask again
    assert await database.fetchval(entries) == before
    assert restarted.missing == 1
