"""A base backup restored in the middle of a contest: counted exactly, and what was lost is said."""

from __future__ import annotations

import shutil

import pytest
from structlog.testing import capture_logs

from tests.contest_data import store_contest
from tests.infrastructure.postgres.copies import copy_data, copyable_server
from tests.patience import patient_valkey
from tests.voting.tally.forged import count_by_hand, insert_ballot
from tests.voting.tally.second_cluster import burn
from voting_service.demo.embedded_postgres import APPLICATION, OWNER, EmbeddedPostgres
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.voting.tally.counters import (
    CounterDelta,
    CounterFeed,
    SuspectedLoss,
    read_counts,
)
from voting_service.voting.tally.losses import load_losses, record_loss
from voting_service.voting.tally.recount_audit import audit


async def vote(database: Connection, valkey: Valkey, contest_id: int, choice: int) -> None:
    xid = await insert_ballot(database, contest_id, [choice])
    feed = CounterFeed(valkey)
    feed.put(CounterDelta(contest_id, xid, 1, {str(choice): 1}))
    await feed.flush()


async def restore(server: EmbeddedPostgres) -> None:
    """Put the backup in the place of the data, as an operator does."""
    await server.stop()
    shutil.rmtree(server.folder / "data")
    (server.folder / "backup").rename(server.folder / "data")
    await server.start()


@pytest.mark.parametrize("reconciled", [True, False], ids=["reconciled since", "not since"])
async def test_live_is_the_record_and_the_lost_ballots_are_said(
    valkey_url: str, reconciled: bool
) -> None:
    valkey = patient_valkey(valkey_url)
    loop = reconcile_loop(valkey)
    async with copyable_server() as server:
        database = await connect(server.url(APPLICATION))
        contest = await store_contest(database, b"m" * 32)
        for n in range(5):
            await vote(database, valkey, contest.id, 1 + n % 2)
        await loop.work(database)
        await copy_data(server, server.folder / "backup")
        for _ in range(3):
            await vote(database, valkey, contest.id, 3)
        if reconciled:
            await loop.work(database)
        assert await read_counts(valkey, contest.id) == (8, {1: 3, 2: 2, 3: 3})
        await database.close()

        await restore(server)
        database, owner = await connect(server.url(APPLICATION)), await connect(server.url(OWNER))
        with capture_logs() as lines:
            for _ in range(3):
                await burn(owner, 50)
                await loop.work(database)
        [loss] = await load_losses(database, contest.id)
        assert loss.ballots == 3
        assert loss.newest_at == await database.fetchval("select max(cast_at) from ballots")
        [line] = [line for line in lines if line["event"] == "record_went_back"]
        assert (line["log_level"], line["ballots_lost"]) == ("error", 3)
        for n in range(4):
            await vote(database, valkey, contest.id, 1 + n)
            await loop.work(database)
            assert await read_counts(valkey, contest.id) == await count_by_hand(
                database, contest.id
            )
        assert (await audit(database, contest)).difference == 0
        again = SuspectedLoss(ballots=99, until=loss.confirmed_until, since=0)
        assert await record_loss(database, contest.id, again) is None, "it would be said twice"
        assert len(await load_losses(database, contest.id)) == 1
        for connection in (database, owner):
            await connection.close()
    await valkey.close()
