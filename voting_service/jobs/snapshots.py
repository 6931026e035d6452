"""Stores the counts at every moment that a release schedule publishes."""

from __future__ import annotations

import structlog

from voting_service.contests.model import Contest
from voting_service.contests.release_schedule import snapshot_moments_due
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.voting.completeness import CompletenessReader
from voting_service.voting.tally.repository import latest_snapshot_moment, take_snapshot

NAME = "snapshots"

log = structlog.get_logger(__name__)


def snapshots_loop(completeness: CompletenessReader) -> Loop:
    """Return the loop that takes the snapshots that are due: once the ballots cast before the
    moment are complete."""

    async def snapshot(connection: Connection, contest: Contest) -> None:
        _, complete_before = await completeness(connection)
        latest = await latest_snapshot_moment(connection, contest.id)
        for moment in snapshot_moments_due(contest, latest, complete_before):
            await take_snapshot(connection, contest.id, moment)
            log.info("snapshot_taken", contest=contest.slug, moment=moment.isoformat())

    return Loop(NAME, 5.0, for_each_contest(NAME, snapshot))
