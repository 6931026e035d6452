"""How many ballots a second the public log takes, with a process that is killed again and again.

    python -m loadtests.public_log --ballots 200000 --kills 20

A second process writes the log of a contest and is killed with SIGKILL at random moments; two of
them run at a time. At the end each ballot must be in exactly one bundle, and the signed root must
be that of the entries.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.contest_data import SLUG, store_contest
from tests.voting.public_log.sequenced import ballots_in, cast, load_entries, stored
from voting_service.contests.repository import load_contest
from voting_service.demo.embedded_postgres import APPLICATION, OWNER, EmbeddedPostgres
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import connect
from voting_service.infrastructure.transparency_log.checkpoints import open_checkpoint
from voting_service.infrastructure.transparency_log.merkle import Tree, hash_leaf
from voting_service.voting.public_log.repository import load_written
from voting_service.voting.public_log.secrets import LogSecrets
from voting_service.voting.public_log.sequencer import LogIdentity, LogSettings, write_log

KEY = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
SETTINGS = LogSettings(LogIdentity("vote.example", KEY), LogSecrets(b"s" * 32), timedelta())
CANDIDATES = 50
BATCH = 20_000
PAUSE_SECONDS = (0.05, 1.5)
"""How long a process lives before it is killed."""


async def write(url: str) -> int:
    """Write all that is due; return how many entries the log has."""
    connection = await connect(url)
    try:
        contest = await load_contest(connection, SLUG)
        while (await write_log(connection, contest, SETTINGS)).has_more:
            pass
        return len(await load_entries(connection, contest))
    finally:
        await connection.close()


async def _kill(url: str, chance: random.Random) -> int:
    """Start two writers and kill both; return how many were killed before they ended."""
    command = (sys.executable, "-m", "loadtests.public_log", "--write", url)
    writers = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
    await asyncio.sleep(1.0)  # both have imported what they need
    for writer in writers:
        await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
        if writer.returncode is None:
            writer.send_signal(signal.SIGKILL)
        await writer.wait()
    return sum(writer.returncode == -signal.SIGKILL for writer in writers)


async def run(ballots: int, kills: int, seed: int) -> list[str]:
    """Return what was wrong; print the figures."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="voting-log-") as folder:
        postgres = EmbeddedPostgres(Path(folder))
        await postgres.start()
        try:
            await asyncio.to_thread(upgrade, postgres.url(OWNER))
            url = postgres.url(APPLICATION)
            connection = await connect(url)
            contest = await store_contest(connection, b"m" * 32, count=CANDIDATES)
            killed = 0
            for _ in range(kills):
                await cast(connection, contest, BATCH)
                killed += await _kill(url, chance)
            for _ in range(0, ballots, BATCH):
                await cast(connection, contest, BATCH)
            before = len(await ballots_in(connection, contest))
            began = time.perf_counter()
            entries = await write(url)
            seconds = time.perf_counter() - began
            logged = await ballots_in(connection, contest)
            click.echo(
                f"{killed} of {2 * kills} writers killed; {entries} entries, {len(logged)} ballots"
            )
            click.echo(f"{(len(logged) - before) / seconds:,.0f} ballots a second")
            faults = []
            if len(set(logged)) != len(logged):
                faults.append("a ballot is in two bundles")
            left = set(await stored(connection, contest)) - set(logged)
            if len(left) >= 100:
                faults.append(f"{len(left)} ballots are in none")
            log = await load_written(connection, contest.id, 0)
            assert log is not None
            checkpoint, _ = open_checkpoint(log.checkpoint, SETTINGS.identity.verifier(SLUG))
            if checkpoint.root != Tree(map(hash_leaf, log.entries)).root():
                faults.append("the signed root is not that of the entries")
            await connection.close()
        finally:
            await postgres.stop()
    return faults


@click.command()
@click.option("--ballots", default=200_000, show_default=True)
@click.option("--kills", default=20, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--write", "url", help="Write the log of this database and end.")
def main(ballots: int, kills: int, seed: int, url: str | None) -> None:
    """Measure the public log, and kill its writers."""
    if url is not None:
        asyncio.run(write(url))
        return
    faults = asyncio.run(run(ballots, kills, seed))
    for fault in faults:
        click.echo(fault)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
