"""⑨ Sweep: examine all ballots of a contest every night and at the close. Campaigns become holds,
which change no count until two people have ruled.

The examination is `voting-service forensics` in a process of its own, on a ballot file like any
other: it may take minutes and gigabytes, and nothing waits for it. After a crash the next sweep
starts over.
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
from voting_service.errors import Refused, Unavailable
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection, domain_errors
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.voting.completeness import CompletenessReader
from voting_service.voting.rulings.forensics_import import (
    HoldOrigin,
    ImportedHold,
    import_holds,
    read_campaigns,
)

QUERIES = Queries(__package__, "sweep.sql")

SWEEP_AT = time(4, 0)
"""Local time; the fewest people vote then."""
LIMIT_SECONDS = 3 * 3600.0
NICENESS = 15
NAME = "sweep"
"""Of the loop, its lease, and its entries in the audit log."""

log = structlog.get_logger(__name__)


def moment_due(
    contest: Contest, last: datetime | None, complete_before: datetime
) -> datetime | None:
    """Return the newest moment whose ballots are due for examination: every night's SWEEP_AT while
    the contest is open, and the close. None if they have been examined. `last` is the moment of
    the last sweep."""
    if complete_before >= contest.closes_at:
        newest = contest.closes_at
    else:
        local = complete_before.astimezone(contest.zone)
        tonight = datetime.combine(local.date(), SWEEP_AT, contest.zone)
        newest = tonight if tonight <= local else tonight - timedelta(days=1)
    newest = newest.astimezone(UTC)
    if newest <= contest.opens_at or (last is not None and last >= newest):
        return None
    return newest


def sweep_loop(completeness: CompletenessReader) -> Loop:
    """Return the loop that sweeps every contest when it is due."""

    async def sweep_if_due(connection: Connection, contest: Contest) -> None:
        last = await load_latest_sweep(connection, contest.id)
        _, complete_before = await completeness(connection)
        moment = moment_due(contest, last, complete_before)
        if moment is not None:
            await sweep(connection, contest, moment)

    return Loop(NAME, 60.0, for_each_contest(NAME, sweep_if_due), limit_seconds=LIMIT_SECONDS)


async def load_latest_sweep(connection: Connection, contest_id: int) -> datetime | None:
    """Load the moment of the last sweep; None before the first."""
    with domain_errors():
        latest: datetime | None = await connection.fetchval(QUERIES["latest_sweep"], contest_id)
    return latest


async def sweep(
    connection: Connection, contest: Contest, moment: datetime, *, actor: str = NAME
) -> tuple[ImportedHold, ...]:
    """Examine the ballots cast before `moment` and return the holds of the campaigns found. A
    ballot in a campaign's hold is added to no second one.

    Raises Unavailable when the examination takes too long, Refused when it fails.
    """
    started_at = perf_counter()
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
                    connection, contest, folder, HoldOrigin(actor, moment, source), fresh=True
                )
                new_holds = sum(hold.is_new for hold in holds)
                await connection.execute(
                    QUERIES["insert_sweep"],
                    contest.id,
                    moment,
                    ballots,
                    campaigns,
                    new_holds,
                    perf_counter() - started_at,
                )
    log.info("ballots_examined", contest=contest.slug, ballots=ballots, holds=new_holds)
    return holds


async def _write_ballots(
    connection: Connection, contest: Contest, moment: datetime, path: Path
) -> int:
    """Write the ballot file and return the number of ballots."""
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
    process = await asyncio.create_subprocess_exec(
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
            _, errors = await process.communicate()
    except TimeoutError:
        raise Unavailable("jobs.examination_timed_out") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        last = errors.decode(errors="replace").strip().splitlines()[-1:]
        raise Refused("jobs.examination_failed", last=" ".join(last))
