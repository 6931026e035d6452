"""Keeps the platforms' daily ceilings when Valkey forgets what it counted.

The ceilings are counted in Valkey (voting/ballots/admit.lua), which may lose everything. Every
round raises the counts of the local day to the ballots stored in Postgres, so a restart or FLUSHALL
gives a platform at most the votes of one pause more.
"""

from __future__ import annotations

import structlog

from voting_service.contests.model import Contest
from voting_service.contests.repository import load_platforms
from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.postgres.database_clock import DatabaseClock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.voting.ballots.admit import raise_ceilings, register_functions
from voting_service.voting.tally.errors import TallyOfAnotherCluster
from voting_service.voting.tally.repository import count_ballots_by_platform

NAME = "platform ceilings"
PAUSE_SECONDS = 5.0

log = structlog.get_logger(__name__)


def platform_ceilings_loop(valkey: Valkey, clock: DatabaseClock) -> Loop:
    """Return the loop. A tally of another cluster is the reconciler's to report."""
    register_functions(valkey)

    async def keep(connection: Connection, contest: Contest) -> None:
        now = await clock(connection)
        if contest.phase(now) != "open":
            return
        limited = {p.id for p in await load_platforms(connection) if p.daily_ceiling is not None}
        if not limited:
            return
        try:
            stored = await count_ballots_by_platform(
                connection, contest.id, contest.midnight_before(now)
            )
            ballots = {platform: count for platform, count in stored.items() if platform in limited}
            raised = await raise_ceilings(valkey, contest.id, contest.local_day(now), ballots)
        except (StoreUnavailable, TallyOfAnotherCluster):
            return
        if raised:
            log.info("ceilings_raised", contest=contest.slug, platforms=raised)

    return Loop(NAME, PAUSE_SECONDS, for_each_contest(NAME, keep))
