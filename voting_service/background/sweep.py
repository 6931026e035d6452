"""⑨ Sweep: all ballots of a contest are examined every night and at the close; what is found
becomes holds, which change nothing until two people have ruled.

The examination is `voting-service forensics` in a process of its own, over the same kind of file
that outsiders would give it: it may take minutes and gigabytes, and nothing else has to wait for
it. A crash loses nothing: the next one starts over.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import perf_counter

import structlog

from voting_service.contests.model import Contest
from voting_service.contests.phases import DRAIN_SECONDS
from voting_service.errors import Refused, Unavailable
from voting_service.rulings.hold_files import ImportedHold, import_holds, read_campaigns
from voting_service.storage.postgres import Connection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__, "sweep.sql")

SWEEP_AT = time(4, 0)
"""Local time; the fewest are awake."""
LIMIT_SECONDS = 3 * 3600.0
NICENESS = 15
ACTOR = "sweep"

log = structlog.get_logger(__name__)


def due(contest: Contest, last: datetime | None, now: datetime) -> datetime | None:
    """The newest moment of which the ballots must be examined by now and are not: every night's
    SWEEP_AT while the contest is open, and the close. None when there is none."""
    settled = now - timedelta(seconds=DRAIN_SECONDS)
    if settled >= contest.closes_at:
        newest = contest.closes_at
    else:
        local = settled.astimezone(contest.zone)
        tonight = datetime.combine(local.date(), SWEEP_AT, contest.zone)
        newest = tonight if tonight <= local else tonight - timedelta(days=1)
    newest = newest.astimezone(UTC)
    if newest <= contest.opens_at or (last is not None and last >= newest):
        return None
    return newest


async def latest_sweep(connection: Connection, contest_id: int) -> datetime | None:
    """The moment whose ballots were examined last."""
    with domain_errors():
        latest: datetime | None = await connection.fetchval(QUERIES["latest_sweep"], contest_id)
    return latest


async def sweep(
    connection: Connection, contest: Contest, moment: datetime, *, actor: str = ACTOR
) -> tuple[ImportedHold, ...]:
    """Examines the ballots cast before `moment`; the holds that came of it. A ballot that is in
    a campaign's hold already is in no second one.

    Raises Unavailable when the examination takes too long, Refused when it fails.
    """
    begun = perf_counter()
    with tempfile.TemporaryDirectory(prefix="voting-sweep-") as name:
        folder = Path(name)
        ballots = await _write_ballots(connection, contest, moment, folder / "ballots.csv")
        if not ballots:
            return ()
        await _examine(folder / "ballots.csv", folder, contest.rules.time_zone)
        campaigns = len(read_campaigns(folder / "campaigns.json"))
        source = f"sweep of {moment.astimezone(contest.zone):%Y-%m-%d %H:%M}"
        with domain_errors():
            async with connection.transaction():
                holds = await import_holds(
                    connection, contest, folder, actor=actor, now=moment, source=source, fresh=True
                )
                made = sum(hold.is_new for hold in holds)
                await connection.execute(
                    QUERIES["insert_sweep"],
                    contest.id,
                    moment,
                    ballots,
                    campaigns,
                    made,
                    perf_counter() - begun,
                )
    log.info("ballots_examined", contest=contest.slug, ballots=ballots, holds=made)
    return holds


async def _write_ballots(
    connection: Connection, contest: Contest, moment: datetime, path: Path
) -> int:
    """Streams the ballot file; returns how many."""
    with domain_errors(), path.open("wb") as stream:
        status: str = await connection.copy_from_query(
            QUERIES["ballot_file"],
            contest.id,
            moment,
            output=stream,
            format="csv",
            header=True,
            timeout=LIMIT_SECONDS,
        )
    return int(status.rpartition(" ")[2])


async def _examine(ballots: Path, folder: Path, zone: str) -> None:
    examination = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "voting_service",
        "forensics",
        str(ballots),
        "--out",
        str(folder),
        "--zone",
        zone,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: os.nice(NICENESS),
    )
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            _, complaints = await examination.communicate()
    except TimeoutError:
        raise Unavailable("the examination of the ballots took too long") from None
    finally:
        if examination.returncode is None:
            examination.kill()
            await examination.wait()
    if examination.returncode != 0:
        last = complaints.decode(errors="replace").strip().splitlines()[-1:]
        raise Refused(f"the examination of the ballots failed: {' '.join(last)}")
