"""The log as it is written from a database: every ballot in one bundle, with any number of
writers and whatever comes between."""

from __future__ import annotations

import asyncio
import itertools

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contest_data import store_contest, store_platform
from tests.cut_data import CLOSES, MASTER_KEY, closed_contest
from tests.running_transactions import running_transaction
from tests.voting.public_log.sequenced import (
    AT_ONCE,
    COMPLETE,
    LATER,
    ballots_in,
    cast,
    counting,
    load_entries,
    stored,
    write_all,
)
from tests.voting.replay.test_replay import Story
from voting_service.contests.model import Contest, CutRules
from voting_service.errors import Refused, StoreUnavailable
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.transparency_log.checkpoints import open_checkpoint
from voting_service.infrastructure.transparency_log.merkle import Tree, hash_leaf
from voting_service.voting.public_log import sequencer
from voting_service.voting.public_log.commitments import BundleValue, commit
from voting_service.voting.public_log.entries import (
    Bundle,
    CloseEntry,
    Cut,
    OpenEntry,
    Openings,
    RulingEntry,
)
from voting_service.voting.public_log.repository import load_documents, load_written, store
from voting_service.voting.public_log.sequencer import LogFault, write_log

SLUGS = (f"contest-{number}" for number in itertools.count(1))


@pytest.fixture
async def contest(database: Connection) -> Contest:
    return await store_contest(database, MASTER_KEY)


async def signed_log(database: Connection, contest: Contest) -> None:
    """The newest checkpoint is signed over exactly the entries that are stored."""
    log = await load_written(database, contest.id, 0)
    assert log is not None
    key = AT_ONCE.identity.verifier(contest.slug)
    checkpoint, _ = open_checkpoint(log.checkpoint, key)
    assert checkpoint.size == log.size == len(log.entries)
    assert checkpoint.root == Tree(map(hash_leaf, log.entries)).root()


async def test_from_the_announcement_to_the_second_result(database: Connection) -> None:
    story = Story(database)
    await story.unfold()
    contest = story.contest
    await write_all(database, contest, complete_before=COMPLETE)
    entries = await load_entries(database, contest)
    kinds = [type(entry) for entry in entries]
    assert kinds == [
        OpenEntry,
        *[RulingEntry] * 4,
        Bundle,
        CloseEntry,
        Openings,
        Cut,
        Openings,
        Cut,
    ]
    assert sorted(await ballots_in(database, contest)) == sorted(await stored(database, contest))
    await signed_log(database, contest)
    first, second = (entry for entry in entries if isinstance(entry, Openings))
    assert (first.rulings, second.rulings) == (3, 4)
    documents = await load_documents(database, contest.id, [first.document, second.document])
    opened = msgspec.json.decode(documents[second.document])
    bundle, ruling = counting(entries)[0], entries[4]
    assert isinstance(ruling, RulingEntry)
    value = msgspec.convert(opened["bundles"][0]["value"], BundleValue)
    salts = AT_ONCE.secrets
    assert commit(salts.bundle_salt(1), value) == bundle.commitment
    assert dict(value.votes) == {1: 11, 2: 7, 3: 6, 4: 8, 5: 4}
    void = {
        version: dict(msgspec.json.decode(documents[entry.document])["ruling"]["value"]["votes"])
        for version, entry in enumerate((first, second), start=1)
    }
    assert void == {1: {1: 0, 2: 0, 3: 0, 4: 3, 5: 3}, 2: {1: 0, 2: 0, 3: 0, 4: 0, 5: 0}}


async def test_fewer_than_a_hundred_wait_until_the_close_puts_them_into_the_bundle_before(
    database: Connection,
) -> None:
    contest = await closed_contest(database, cut=CutRules(3, "committee"), votes={1: 0, 2: 0, 3: 0})
    await cast(database, contest, 120)
    await write_all(database, contest)
    await cast(database, contest, 99)
    await write_all(database, contest)
    assert [b.ballots for b in counting(await load_entries(database, contest))] == [120]
    await write_all(database, contest, complete_before=COMPLETE)
    entries = await load_entries(database, contest)
    assert [(b.bundle, b.ballots, b.replaces) for b in counting(entries)] == [(2, 219, 1)]
    assert entries[-1] == CloseEntry(
        at=entries[-1].at, closes_at="2022-07-10T04:00:00Z", bundles=1, ballots=219, held=0
    )
    assert sorted(await ballots_in(database, contest)) == sorted(await stored(database, contest))


async def test_only_full_bundles_are_made_before_the_oldest_ballot_has_waited(
    database: Connection, contest: Contest
) -> None:
    await cast(database, contest, 925 + 400)
    await write_all(database, contest, LATER)
    assert [b.ballots for b in counting(await load_entries(database, contest))] == [925]
    await write_all(database, contest, AT_ONCE)
    assert [b.ballots for b in counting(await load_entries(database, contest))] == [925, 400]


async def test_a_transaction_that_lasts_is_waited_for_and_passed_over_never(
    database: Connection, database_url: str, contest: Contest
) -> None:
    async with running_transaction(database_url) as slow:
        await cast(slow, contest, 100)
        await cast(database, contest, 100)
        await write_all(database, contest)
        assert await ballots_in(database, contest) == []
    await write_all(database, contest)
    assert sorted(await ballots_in(database, contest)) == sorted(await stored(database, contest))


async def test_two_sequencers_at_once_write_one_log(
    database: Connection, database_url: str, contest: Contest
) -> None:
    await cast(database, contest, 3_000)
    other = await connect(database_url)
    try:
        await write_all(database, contest)  # the log is there
        await cast(database, contest, 3_000)
        both = (write_all(connection, contest) for connection in (database, other))
        await asyncio.gather(*both)
    finally:
        await other.close()
    assert sorted(await ballots_in(database, contest)) == sorted(await stored(database, contest))
    await signed_log(database, contest)


async def test_what_is_rolled_back_is_written_again(
    database: Connection, contest: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cast(database, contest, 200)

    async def store_and_fail(*arguments: object) -> None:
        await store(*arguments)  # type: ignore[arg-type]
        raise ConnectionResetError

    monkeypatch.setattr(sequencer, "store", store_and_fail)
    with pytest.raises(StoreUnavailable):
        await write_log(database, contest, AT_ONCE)
    assert await database.fetchval("select count(*) from public_logs") == 0
    monkeypatch.undo()
    await write_all(database, contest)
    assert sorted(await ballots_in(database, contest)) == sorted(await stored(database, contest))


async def test_in_another_cluster_nothing_is_taken_twice_and_nothing_left_out(
    database: Connection, owner: Connection, contest: Contest
) -> None:
    await cast(database, contest, 300)
    await write_all(database, contest)
    # Transaction ids of the other cluster: some were far beyond those of this one.
    await owner.execute("update ballots set commit_xid = '0' where choices[1] = 1")
    await owner.execute("update public_logs set cluster = 0, read_xid = '999999999'")
    await cast(database, contest, 300)
    await write_all(database, contest)
    await cast(database, contest, 300)
    await write_all(database, contest)
    logged = await ballots_in(database, contest)
    assert len(logged) == len(set(logged)) == 900


async def test_a_ballot_behind_the_reading_is_found_before_the_log_closes(
    database: Connection, owner: Connection
) -> None:
    contest = await closed_contest(database, cut=CutRules(3, "committee"), votes={1: 0, 2: 0, 3: 0})
    await cast(database, contest, 150)
    await write_all(database, contest)
    await cast(database, contest, 150)
    await owner.execute(
        "update ballots set commit_xid = '0' where ballot_id not in"
        " (select ballot_id from public_log_ballots)"
    )
    await write_all(database, contest, complete_before=COMPLETE)
    entries = await load_entries(database, contest)
    assert isinstance(entries[-1], CloseEntry)
    assert entries[-1].ballots == 300


async def test_a_log_with_ballots_that_the_record_lost_does_not_close(
    database: Connection, owner: Connection
) -> None:
    contest = await closed_contest(database, cut=CutRules(3, "committee"), votes={1: 0, 2: 0, 3: 0})
    await cast(database, contest, 150)
    await write_all(database, contest)
    await owner.execute("delete from ballots where choices[1] = 1")
    with pytest.raises(LogFault, match="150 ballots are in the public log and 100"):
        await write_all(database, contest, complete_before=COMPLETE)


async def test_nothing_is_written_before_the_announcement(database: Connection) -> None:
    contest = await store_contest(
        database,
        MASTER_KEY,
        opens_at=COMPLETE.replace(year=2100),
        closes_at=CLOSES.replace(year=2101),
    )
    await write_all(database, contest)
    assert await load_written(database, contest.id, 0) is None


async def test_a_log_keeps_its_name(database: Connection, contest: Contest) -> None:
    await write_all(database, contest)
    moved = AT_ONCE._replace(identity=AT_ONCE.identity._replace(host="other.example"))
    with pytest.raises(Refused, match=r"vote\.example/log/test-2022"):
        await write_log(database, contest, moved)


async def test_platforms_that_change_are_announced_once(
    database: Connection, contest: Contest
) -> None:
    await write_all(database, contest)
    await store_platform(database, "new")
    await write_all(database, contest)
    await write_all(database, contest)
    assert [type(entry).__name__ for entry in await load_entries(database, contest)] == [
        "OpenEntry",
        "SettingsEntry",
    ]


Step = st.one_of(st.integers(1, 1_500), st.sampled_from(["write", "write what is due", "reread"]))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(Step, max_size=8))
async def test_every_ballot_is_in_exactly_one_bundle_that_counts(
    database: Connection, owner: Connection, steps: list[int | str]
) -> None:
    contest = await closed_contest(
        database,
        cut=CutRules(3, "committee"),
        votes={1: 0, 2: 0, 3: 0},
        slug=next(SLUGS),
    )
    for step in steps:
        if isinstance(step, int):
            await cast(database, contest, step)
        elif step == "reread":
            await owner.execute("update public_logs set cluster = 0")
        else:
            await write_all(database, contest, AT_ONCE if step == "write" else LATER)
    await write_all(database, contest, complete_before=COMPLETE)
    everything = await stored(database, contest)
    logged = await ballots_in(database, contest)
    assert len(logged) == len(set(logged)) == len(everything)
    assert set(logged) == set(everything)
    bundles = counting(await load_entries(database, contest))
    assert all(100 <= bundle.ballots <= 1024 for bundle in bundles) or len(bundles) == 1
    await signed_log(database, contest)
