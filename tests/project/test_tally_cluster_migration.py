"""Floors that stand when migration 0018 comes are of this cluster, unless something speaks
against it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.contest_data import store_contest
from tests.tally.forged import insert_ballot
from voting_service.demo.embedded_postgres import APPLICATION, OWNER, EmbeddedPostgres
from voting_service.errors import TallyOfAnotherCluster
from voting_service.storage.migrations import upgrade
from voting_service.storage.postgres import Connection, connect
from voting_service.tally.record import advance_floor, count_now

NAME = "test_tally_clusters"
MASTER_KEY = b"m" * 32
SET_FLOOR = """insert into tally_floors (contest_id, floor, reconciled_at) values ($1, $2, now())
on conflict (contest_id) do update set floor = $2, reconciled_at = now()"""
"""What the version before does every second."""


@pytest.fixture
async def old_database(postgres: EmbeddedPostgres, administrator: Connection) -> AsyncIterator[str]:
    """A database that the migration has yet to come to."""
    await postgres.create_database(administrator, NAME)
    await asyncio.to_thread(upgrade, postgres.url(OWNER, NAME), "0017_earlier_winners")
    yield NAME
    await administrator.execute(f'drop database "{NAME}" with (force)')


async def test_it_knows_a_dump_that_was_restored_before_it_came(
    postgres: EmbeddedPostgres, old_database: str
) -> None:
    owner = await connect(postgres.url(OWNER, old_database))
    here = await store_contest(owner, MASTER_KEY, slug="here")
    moved = await store_contest(owner, MASTER_KEY, slug="moved")
    ahead = await store_contest(owner, MASTER_KEY, slug="ahead")
    for contest in (here, moved, ahead):
        await insert_ballot(owner, contest.id, [1])
    # A restore copies it: another transaction than the one it names puts it there.
    await insert_ballot(owner, moved.id, [2], xids_ahead=-5)
    for contest, floor in ((here, 3), (moved, 3), (ahead, 1 << 40)):
        await owner.execute(SET_FLOOR, contest.id, floor)
    await asyncio.to_thread(upgrade, postgres.url(OWNER, old_database))
    service = await connect(postgres.url(APPLICATION, old_database))
    assert (await count_now(service, here.id)).ballots == 1
    for contest in (moved, ahead):
        with pytest.raises(TallyOfAnotherCluster):
            await count_now(service, contest.id)
    # The services of the version before go on beside it.
    later = await store_contest(owner, MASTER_KEY, slug="later")
    for contest in (here, later):
        await service.execute(SET_FLOOR, contest.id, 4)
        await advance_floor(service, contest.id)
    await service.close()
    await owner.close()
