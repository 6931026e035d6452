"""Check that every confirmed ballot is in Postgres exactly once and the live counters agree.

    VOTING_DATA=data python -m loadtests.check CONFIRMED

CONFIRMED holds the ballot id of every 201, one per line. Exits with 1 if something is missing.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import httpx

from loadtests import CONTEST
from loadtests.waiting import seconds_until
from voting_service.antifraud.screening.decision import Signal
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.valkey import Valkey
from voting_service.settings import load_settings
from voting_service.voting.tally.counters import read_counts, register_functions

QUERIES = Queries("loadtests", "check.sql")
CONVERGENCE_SECONDS = 10.0
PATIENCE_SECONDS = 30.0
_CHUNK = 20_000


@dataclass(slots=True)
class Verdict:
    """The faults, empty if all is right; `screened` counts what screening did."""

    confirmed: int
    stored: int
    screened: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def check_record(
    connection: Connection, confirmed: Sequence[str], slug: str = CONTEST
) -> Verdict:
    """Check that every id is once among the 201s and in Postgres, once per voter and period."""
    stored: int = await connection.fetchval(QUERIES["stored"], slug)
    verdict = Verdict(confirmed=len(confirmed), stored=stored)
    twice = [ballot for ballot, times in Counter(confirmed).items() if times > 1]
    if twice:
        verdict.faults.append(f"{len(twice)} ballots were confirmed as new more than once")
    ids = sorted(set(confirmed))
    missing = repeated = 0
    for start in range(0, len(ids), _CHUNK):
        chunk = [bytes.fromhex(ballot) for ballot in ids[start : start + _CHUNK]]
        row = await connection.fetchrow(QUERIES["missing_and_repeated"], slug, chunk)
        assert row is not None
        missing += row["missing"]
        repeated += row["repeated"]
    if missing:
        verdict.faults.append(f"{missing} confirmed ballots are not in Postgres")
    if repeated:
        verdict.faults.append(f"{repeated} confirmed ballots are in Postgres more than once")
    for row in await connection.fetch(QUERIES["dispositions"], slug):
        names = [signal.name or "" for signal in Signal if row["signals"] & signal]
        verdict.screened.append(
            f"{row['ballots']:,} {'held' if row['disposition'] else 'counted'}"
            f"{': ' + ', '.join(names).lower().replace('_', ' ') if names else ''}"
        )
    voters = await connection.fetchval(QUERIES["voters_with_two"], slug)
    if voters:
        verdict.faults.append(f"{voters} voters have two ballots in one period")
    return verdict


async def recount(connection: Connection, slug: str = CONTEST) -> dict[int, int]:
    """Return the counted ballots under key 0, and the votes by candidate."""
    return {
        row["candidate"]: row["votes"] for row in await connection.fetch(QUERIES["recount"], slug)
    }


async def seconds_until_agreement(
    connection: Connection, address: str, valkey_url: str, slug: str = CONTEST
) -> float | None:
    """Return the seconds until live counters and public standings agree with Postgres.

    None if they do not within `PATIENCE_SECONDS`. Call it after the last vote, for a contest with
    live counts. The standings alone are not enough: without counters they are read from Postgres.
    """
    expected = await recount(connection, slug)
    contest_id = await connection.fetchval(QUERIES["contest_id"], slug)
    valkey = Valkey(valkey_url)
    register_functions(valkey)

    async def agree() -> bool:
        try:
            counts = await read_counts(valkey, contest_id)
        except StoreUnavailable:
            return False
        answer = await client.get(f"/api/v1/contests/{slug}/standings")
        return (
            counts is not None
            and _without_zeros({0: counts.ballots, **counts.votes}) == expected
            and answer.status_code == 200
            and _shown(answer) == expected
        )

    try:
        async with httpx.AsyncClient(base_url=address) as client:
            return await seconds_until(agree, PATIENCE_SECONDS)
    finally:
        await valkey.close()


def _shown(answer: httpx.Response) -> dict[int, int]:
    standings = answer.json()
    votes = {row["number"]: row["votes"] for row in standings["candidates"]}
    return _without_zeros({0: standings["ballots"], **votes})


def _without_zeros(votes: dict[int, int]) -> dict[int, int]:
    return {number: count for number, count in votes.items() if count}


@click.command()
@click.argument("confirmed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(confirmed: Path) -> None:
    """Check the ballot ids in CONFIRMED against the stores that the settings name."""
    verdict = asyncio.run(_check(confirmed.read_text(encoding="ascii").split()))
    click.echo(f"{verdict.confirmed:,} confirmed, {verdict.stored:,} stored")
    for line in verdict.screened:
        click.echo(line)
    for fault in verdict.faults:
        click.echo(f"error: {fault}", err=True)
    sys.exit(1 if verdict.faults else 0)


async def _check(confirmed: Sequence[str]) -> Verdict:
    connection = await connect(load_settings().database_url)
    try:
        return await check_record(connection, confirmed)
    finally:
        await connection.close()


if __name__ == "__main__":
    check()
