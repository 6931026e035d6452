"""No receipt for a ballot that the synchronous standby lacks, whichever path confirms it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from functools import partial

import asyncpg
import pytest

from tests.contest_data import store_contest, store_platform
from tests.infrastructure.postgres.copies import copyable_server, running_standby
from tests.patience import eventually
from tests.voting.ballots.conftest import MASTER_KEY, Bench, new_voter, open_bench
from voting_service.demo.embedded_postgres import APPLICATION, SUPERUSER, EmbeddedPostgres
from voting_service.errors import AlreadyVoted, StoreUnavailable, Unavailable
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres import pool
from voting_service.infrastructure.postgres.pool import Connection, acquire, connect
from voting_service.voting.ballots.commit import load_stored
from voting_service.voting.ballots.vote import Accepted, Outcome, Repeated


@pytest.fixture
async def primary() -> AsyncIterator[EmbeddedPostgres]:
    async with copyable_server() as server:
        yield server


@pytest.fixture
async def administration(primary: EmbeddedPostgres) -> AsyncIterator[Connection]:
    connection: Connection = await asyncpg.connect(primary.url(SUPERUSER))
    yield connection
    await connection.close()


async def waits_and_is_cancelled(
    administration: Connection, confirming: Awaitable[object]
) -> object:
    """The answer when somebody ends the wait for the standby by hand. Fails without a wait."""
    answer = asyncio.ensure_future(confirming)
    waiting = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"

    async def is_cancelled() -> bool:
        assert not answer.done(), answer
        return bool(await administration.fetch(waiting))

    await eventually(is_cancelled)
    return await answer


async def looked_up(bench: Bench, voter: bytes) -> object:
    async with acquire(bench.pool) as connection:
        period = bench.contest.period(system_clock())
        return await load_stored(connection, bench.contest.id, [(period, voter)])


async def test_nothing_is_confirmed_while_the_standby_is_gone(
    primary: EmbeddedPostgres,
    administration: Connection,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = primary.url(APPLICATION)
    database = await connect(url)
    contest = await store_contest(database, MASTER_KEY)
    platform_id = await store_platform(database)
    open_worker = partial(
        open_bench, database, contest, platform_id, database_url=url, valkey_url=valkey_url
    )
    earlier, new, late = new_voter(), new_voter(), new_voter()
    async with running_standby(primary) as standby:
        async with open_worker() as bench:
            receipt = await bench.cast(earlier, [1])
            assert isinstance(receipt, Accepted)
            await standby.stop()

            async def is_refused(confirming: Awaitable[Outcome]) -> None:
                answer = await waits_and_is_cancelled(administration, confirming)
                assert isinstance(answer, Unavailable)

            await is_refused(bench.cast(new, [1, 2]))  # stored here, and nowhere else
            await is_refused(bench.cast(new, [1, 2]))  # seen before: looked up
            await is_refused(bench.cast(new, [3]))  # another ballot: refused with the receipt
            await bench.valkey.command("FLUSHALL")
            await is_refused(bench.cast(new, [1, 2]))  # forgotten: the insert meets it
            await is_refused(bench.cast(earlier, [1]))
            with pytest.raises(StoreUnavailable):  # the pages, and after the close
                await waits_and_is_cancelled(administration, looked_up(bench, new))
            # Nor does our own patience end in a receipt.
            monkeypatch.setattr(pool, "COMMAND_TIMEOUT_SECONDS", 0.3)
            async with open_worker() as hurried:
                for _ in range(2):
                    assert isinstance(await hurried.cast(late, [4]), Unavailable)
            await standby.start()
            await all_is_confirmed_again(bench, receipt, earlier=earlier, stored=(new, late))
    await database.close()


async def all_is_confirmed_again(
    bench: Bench, receipt: Accepted, *, earlier: bytes, stored: tuple[bytes, bytes]
) -> None:
    """With the same receipts, and nothing was lost or stored twice."""
    again = await bench.cast(earlier, [1])
    assert isinstance(again, Repeated)
    assert again.receipt == receipt.receipt
    for voter, choices in zip(stored, ([1, 2], [4]), strict=True):
        assert isinstance(await bench.cast(voter, choices), Repeated)
        assert isinstance(await bench.cast(voter, [5]), AlreadyVoted)
    assert isinstance(await bench.cast(new_voter(), [1]), Accepted)
