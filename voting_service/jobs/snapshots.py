"""Stores the counts at every moment that a release schedule publishes."""

from __future__ import annotations

from datetime import timedelta

import structlog

from voting_service.contests.model import Contest
from voting_service.contests.release_schedule import snapshot_moments_due
from voting_service.infrastructure.postgres.database_clock import DatabaseClock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.timeouts import DRAIN_SECONDS
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.voting.tally.repository import latest_snapshot_moment, take_snapshot

NAME = "snapshots"

log = structlog.get_logger(__name__)


def snapshots_loop(clock: DatabaseClock) -> Loop:
    """Return the loop that takes the snapshots that are due: once the last vote from before the
    moment has been stored."""

    async def snapshot(connection: Connection, contest: Contest) -> None:
        drained_at = await clock(connection) - timedelta(seconds=DRAIN_SECONDS)
        latest = await latest_snapshot_moment(connection, contest.id)
        for moment in snapshot_moments_due(contest, latest, drained_at):
            await take_snapshot(connection, contest.id, moment)
            log.info("snapshot_taken", contest=contest.slug, moment=moment.isoformat())

    return Loop(NAME, 5.0, for_each_contest(NAME, snapshot))
