"""Dumps restored into another cluster in the middle of a contest, while people vote.

    python -m loadtests.restores --times 20

Two clusters take turns. Each time votes go on while the dump is taken and after it, then the next
cluster, whose transaction ids are lower or higher by turns, gets the dump and the votes. The live
counters must be the record within ten seconds, and a loss before the last second must be noticed.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import click

from loadtests import CONTEST
from loadtests.contests import make_contest
from loadtests.measure import Spread
from loadtests.report import Section, save
from loadtests.waiting import seconds_until
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    DATABASE,
    OWNER,
    SUPERUSER,
    EmbeddedPostgres,
    program,
)
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.tasks import end_tasks
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.loop_runner import run_loop
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.voting.ballots.commit import new_ballot_ids
from voting_service.voting.tally.counters import (
    CounterDelta,
    CounterFeed,
    Counts,
    read_counts,
    register_functions,
)
from voting_service.voting.tally.losses import load_losses

QUERIES = Queries("loadtests", "restores.sql")
_AGREE_SECONDS = 10.0
_PATIENCE_SECONDS = 60.0
_UNNOTICED = 300
"""Ballots of the last second before a restore, which votes after it may hide."""
_APART = 2_000
"""Transactions between the two clusters."""


class Voting:
    """Voters of one database, whose batches are counted, and the reconciler beside them."""

    def __init__(self, url: str, valkey: Valkey, contest_id: int) -> None:
        self.confirmed = 0
        self._url = url
        self._valkey = valkey
        self._contest_id = contest_id
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Vote while the block runs."""
        loop = run_loop(reconcile_loop(self._valkey), self._url)
        tasks = [asyncio.create_task(loop), asyncio.create_task(self._vote())]
        try:
            yield
        finally:
            async with self._turn:  # no ballot is stored and not counted as confirmed
                await end_tasks(tasks)

    async def _vote(self) -> None:
        connection = await connect(self._url)
        feed = CounterFeed(self._valkey)
        while True:
            async with self._turn:
                now, choice = datetime.now(UTC), random.randint(1, 9)
                row = (new_ballot_ids(1, now)[0], os.urandom(16), [choice])
                xid = await connection.fetchval(
                    QUERIES["insert_ballot"], self._contest_id, now.date(), now, *row
                )
                feed.put(CounterDelta(self._contest_id, xid, 1, {str(choice): 1}))
                await feed.flush()
                self.confirmed += 1
            await asyncio.sleep(0.002)

    async def agrees(self, connection: Connection) -> bool:
        """Return whether the live counters are the record, between two votes."""
        async with self._turn:
            live = await read_counts(self._valkey, self._contest_id)
            rows = await connection.fetch(QUERIES["counted"], self._contest_id)
        votes = {row["candidate"]: row["votes"] for row in rows}
        return live == Counts(votes.pop(0, 0), votes)


async def run(times: int, folder: Path) -> tuple[list[float], list[str]]:
    """Restore so many times; return the seconds until the counters were right, and the faults."""
    servers = [EmbeddedPostgres(folder / name, shared_buffers="64MB") for name in ("one", "two")]
    store = EmbeddedValkey(folder / "valkey")
    try:
        for server in (*servers, store):
            await server.start()
        await asyncio.to_thread(upgrade, servers[0].url(OWNER))
        valkey = Valkey(store.url)
        register_functions(valkey)
        owner = await connect(servers[0].url(OWNER))
        contest_id = await make_contest(owner, CONTEST, os.urandom(32))
        await owner.close()
        results, faults, database = [], [], DATABASE
        for n in range(times):
            source, target = servers[n % 2], servers[(n + 1) % 2]
            await _set_apart(source, target, lower=n // 2 % 2 == 0)
            voting = Voting(source.url(APPLICATION, database), valkey, contest_id)
            before = await _stored(source, database, contest_id)
            async with voting.running():
                await asyncio.sleep(random.uniform(0.5, 1.5))
                dump = await asyncio.to_thread(_run, "pg_dump", source.url(SUPERUSER, database))
                await asyncio.sleep(random.uniform(0.0, 1.5))
            confirmed = before + voting.confirmed
            database = f"voting_{n}"
            await _restore(target, database, dump)
            # No restore is as quick as the bound of clocks that are off.
            await asyncio.sleep(MAX_OFFSET_SECONDS)
            lost = confirmed - await _stored(target, database, contest_id)
            seconds, noticed = await _go_on(target.url(APPLICATION, database), valkey, contest_id)
            if seconds is None or seconds > _AGREE_SECONDS:
                faults.append(f"restore {n}: live was not the record after {seconds} s")
            if not lost - _UNNOTICED <= noticed <= lost:
                faults.append(f"restore {n}: {lost} ballots lost, {noticed} noticed")
            results.append(seconds or _PATIENCE_SECONDS)
            click.echo(f"restore {n}: {seconds} s, {lost} of {confirmed} lost, {noticed} noticed")
        await valkey.close()
        return results, faults
    finally:
        for server in (*servers, store):
            await server.stop()


async def _go_on(url: str, valkey: Valkey, contest_id: int) -> tuple[float | None, int]:
    """Vote on in a restored database; return the seconds until live is the record, and how many
    ballots it is said to have lost."""
    voting = Voting(url, valkey, contest_id)
    connection = await connect(url)
    began = datetime.now(UTC)
    async with voting.running():
        seconds = await seconds_until(lambda: voting.agrees(connection), _PATIENCE_SECONDS)
        await asyncio.sleep(1)
        if not await voting.agrees(connection):
            await seconds_until(lambda: voting.agrees(connection), _PATIENCE_SECONDS)
    losses = await load_losses(connection, contest_id)
    await connection.close()
    return seconds, sum(
        loss.ballots for loss in losses if loss.noticed_at and loss.noticed_at >= began
    )


async def _set_apart(source: EmbeddedPostgres, target: EmbeddedPostgres, *, lower: bool) -> None:
    """Use up transaction ids until those of the target are far lower or far higher."""
    behind, ahead = (target, source) if lower else (source, target)
    connections = [await asyncpg.connect(s.url(SUPERUSER, "postgres")) for s in (behind, ahead)]
    low, high = [await c.fetchval(QUERIES["next_transaction"]) for c in connections]
    await connections[1].execute(QUERIES["make_burn"])
    await connections[1].execute(QUERIES["burn"].replace("$1", str(max(0, low + _APART - high))))
    for connection in connections:
        await connection.close()


async def _stored(server: EmbeddedPostgres, database: str, contest_id: int) -> int:
    connection = await connect(server.url(APPLICATION, database))
    rows = await connection.fetch(QUERIES["counted"], contest_id)
    await connection.close()
    return sum(row["votes"] for row in rows if row["candidate"] == 0)


async def _restore(server: EmbeddedPostgres, database: str, dump: bytes) -> None:
    administrator = await asyncpg.connect(server.url(SUPERUSER, "postgres"))
    await server.create_database(administrator, database)
    await administrator.close()
    options = ("--quiet", "--set=ON_ERROR_STOP=1", server.url(SUPERUSER, database))
    await asyncio.to_thread(_run, "psql", *options, stdin=dump)


def _run(name: str, *arguments: str, stdin: bytes = b"") -> bytes:
    command = [str(program(name)), *arguments]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout


@click.command()
@click.option("--times", type=click.IntRange(min=1), default=20, show_default=True)
def restores(times: int) -> None:
    """Restore a dump into another cluster TIMES times while people vote, then check."""
    with tempfile.TemporaryDirectory(prefix="voting-restores-") as folder:
        seconds, faults = asyncio.run(run(times, Path(folder)))
    section = Section("Dumps restored in the middle of a contest", ["what", "figure"])
    section.rows = [
        ["restores, into lower and higher transaction ids by turns", f"{times}"],
        ["seconds until live was the record", Spread.of(seconds).text("{:.1f}")],
        ["faults", f"{len(faults)}"],
    ]
    section.figures = {"seconds": seconds}
    click.echo(save("restores", "Restores", [f"- {fault}" for fault in faults], [section]))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    restores()
