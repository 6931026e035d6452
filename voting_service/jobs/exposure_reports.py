"""Prepares the report on place and votes once the cut of a contest is public."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.database_clock import DatabaseClock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.voting.exposure.repository import prepare, version_due

NAME = "exposure_reports"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(hours=1), timedelta(days=1)
"""How long a report that could not be prepared waits, doubled each time: it reads every ballot, and
what took too long once does so again."""

log = structlog.get_logger(__name__)


def exposure_reports_loop(clock: DatabaseClock) -> Loop:
    """Return the loop that prepares the report on each version of the cut when it becomes public:
    before that, it would tell counts. Where the list is by number, place means nothing."""
    tried: dict[tuple[int, int], tuple[datetime, timedelta]] = {}

    async def work(connection: Connection, contest: Contest) -> None:
        if contest.rules.list_order == "number":
            return
        now = await clock(connection)
        version = await version_due(connection, contest.id, now)
        if version is None:
            return
        due_at, pause = tried.get((contest.id, version), (now, FIRST_PAUSE))
        if now < due_at:
            return
        tried[contest.id, version] = now + pause, min(2 * pause, LONGEST_PAUSE)
        done = await prepare(connection, contest, version)
        log.info("exposure_prepared", contest=contest.slug, version=version, voters=done.voters)

    return Loop(NAME, 10.0, for_each_contest(NAME, work))
