"""Sets the live counters in Valkey to the tally in Postgres, every second."""

from __future__ import annotations

import time
from contextlib import suppress

import structlog

from voting_service.contests.model import Contest
from voting_service.errors import Refused, StoreUnavailable
from voting_service.infrastructure import metrics
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.voting import metrics as voting_metrics
from voting_service.voting.tally.counters import forget_counts, set_counts
from voting_service.voting.tally.errors import TallyOfAnotherCluster
from voting_service.voting.tally.repository import advance_floor

NAME = "reconcile"

log = structlog.get_logger(__name__)


def reconcile_loop(valkey: Valkey) -> Loop:
    """Return the loop that reconciles the live counters with Postgres, which is authoritative.

    Empties the counters of a contest whose stored tally is of another cluster.
    """
    rejected: set[int] = set()

    async def reconcile(connection: Connection, contest: Contest) -> None:
        try:
            floor, totals = await advance_floor(connection, contest.id)
        except TallyOfAnotherCluster as error:
            metrics.LOOP_FAILURES.labels(NAME).inc()
            if contest.id not in rejected:  # log once, not every second
                rejected.add(contest.id)
                _log_another_cluster(contest, error)
            with suppress(StoreUnavailable):
                await forget_counts(valkey, contest.id)
            return
        except Refused as error:
            metrics.LOOP_FAILURES.labels(NAME).inc()
            log.warning("tally_not_advanced", contest=contest.slug, reason=str(error))
            return
        if contest.id in rejected:
            rejected.discard(contest.id)
            log.info("tally_advanced_again", contest=contest.slug, ballots=totals.ballots)
        try:
            drift = await set_counts(valkey, contest.id, floor, totals)
        except StoreUnavailable as error:
            log.warning("counters_not_reconciled", contest=contest.slug, reason=str(error))
            return
        voting_metrics.COUNTER_DRIFT.set(drift)
        voting_metrics.RECONCILED_AT.set(time.time())
        if drift:
            log.info("counters_corrected", contest=contest.slug, votes=drift)

    return Loop(NAME, 1.0, for_each_contest(NAME, reconcile))


def _log_another_cluster(contest: Contest, error: TallyOfAnotherCluster) -> None:
    log.error("tally_of_another_cluster", contest=contest.slug, reason=str(error))
