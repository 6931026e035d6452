"""Votes at full load while an idle transaction in another database is held open all the time.

    python -m loadtests.held_floor --seconds 600

It must cost nothing: every ballot is screened, the live counters agree with the record, no call to
Valkey grows, and the log of `work` names the session that holds the transaction.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import click
import msgspec
from redis.asyncio import Redis

from loadtests.chaos_voters import Crowd
from loadtests.check import CONVERGENCE_SECONDS, seconds_until_agreement
from loadtests.recount import recount
from loadtests.report import Section, save
from loadtests.stand import Stand, open_stand
from voting_service.demo.embedded_postgres import SUPERUSER
from voting_service.infrastructure.postgres.named_queries import Queries

QUERIES = Queries("loadtests", "held_floor.sql")
SLOW_CALL_MICROSECONDS = 100_000
"""A call that blocks Valkey this long is on its way to the client's timeout of half a second."""


@asynccontextmanager
async def _idle_transaction(stand: Stand) -> AsyncIterator[int]:
    """Hold a transaction open in the database `postgres`; yield the session's process id."""
    connection = await asyncpg.connect(stand.postgres.url(SUPERUSER, "postgres"))
    await connection.execute("begin")
    await connection.execute(QUERIES["take_transaction_id"])
    try:
        yield connection.get_server_pid()
    finally:
        await connection.close()


async def run(stand: Stand, *, seconds: float, voters: int) -> tuple[Section, list[str]]:
    """Vote for `seconds`; return the figures and what was wrong."""
    crowd = Crowd(stand.address(), await stand.minting(), voters=voters)
    valkey: Any = Redis.from_url(stand.valkey.url)
    await valkey.config_set("slowlog-log-slower-than", SLOW_CALL_MICROSECONDS)
    async with _idle_transaction(stand) as pid:
        async with crowd.voting():
            await asyncio.sleep(seconds)
        async with stand.database() as owner:
            agreed = await seconds_until_agreement(owner, stand.address(), stand.valkey.url)
            faults = (await recount(owner, crowd)).faults
    async with stand.database() as connection:
        row = await connection.fetchrow(QUERIES["figures"])
    assert row is not None
    slow_calls = await valkey.slowlog_len()
    await valkey.aclose()
    if row["unscreened"]:
        faults.append(f"{row['unscreened']} ballots were not screened")
    if agreed is None or agreed > CONVERGENCE_SECONDS:
        faults.append(f"the live counters agreed with the record after {agreed} s")
    if slow_calls:
        faults.append(f"{slow_calls} calls blocked Valkey")
    named = _named_holder(stand, pid)
    if seconds > 75 and not named:
        faults.append("the log does not name who holds the transaction")
    section = Section("A transaction held open", ["what", "figure"])
    section.rows = [
        ["held for, seconds", f"{seconds:.0f}"],
        ["ballots stored", f"{row['ballots']:,}"],
        ["batches above the held transaction", f"{row['batches']:,}"],
        ["ballots not screened", f"{row['unscreened']:,}"],
        [f"calls that blocked Valkey for {SLOW_CALL_MICROSECONDS // 1000} ms", f"{slow_calls}"],
        ["live counters agreed with the record after", f"{agreed or 0:.1f} s, still held"],
        ["the log names the session", named or "–"],
    ]
    section.figures = {**row, "seconds": seconds, "agreed_after_seconds": agreed}
    return section, faults


def _named_holder(stand: Stand, pid: int) -> str:
    """Return the facts of the newest line about the session in the log of `work`."""
    lines = (stand.folder / "work.log").read_text(encoding="utf-8").splitlines()
    for line in reversed(lines):
        if '"transaction_too_old"' in line:
            facts = msgspec.json.decode(line)
            if facts["pid"] == pid:
                return f"{facts['database']}, {facts['user']}, after {facts['seconds']} s"
    return ""


async def _run(seconds: float, voters: int, workers: int) -> list[str]:
    async with open_stand(workers=workers) as stand:
        section, faults = await run(stand, seconds=seconds, voters=voters)
    verdict = [f"- {fault}" for fault in faults] or ["It cost nothing."]
    click.echo(save("held-floor", "A transaction held open", verdict, [section]))
    return faults


@click.command()
@click.option("--seconds", type=click.FloatRange(min=5), default=600, show_default=True)
@click.option("--voters", type=click.IntRange(min=1), default=64, help="At once.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
def held_floor(seconds: float, voters: int, workers: int) -> None:
    """Vote for SECONDS while an idle transaction is held open, then check."""
    faults = asyncio.run(_run(seconds, voters, workers))
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    held_floor()
