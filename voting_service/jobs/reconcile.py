"""Sets the live counters in Valkey to the tally in Postgres, every second.

Takes over the tally of another cluster, and notices when the record was set back to a backup.
"""

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
from voting_service.voting.tally.counters import (
    Counts,
    Floor,
    SuspectedLoss,
    forget_counts,
    set_counts,
)
from voting_service.voting.tally.errors import TallyOfAnotherCluster
from voting_service.voting.tally.losses import record_loss
from voting_service.voting.tally.rebuild import rebuild
from voting_service.voting.tally.repository import advance_floor

NAME = "reconcile"
ACTOR = "voting-service work"
"""Who rebuilt a tally, in the audit log."""

log = structlog.get_logger(__name__)


def reconcile_loop(valkey: Valkey) -> Loop:
    """Return the loop that reconciles the live counters with Postgres, which is authoritative."""

    async def reconcile(connection: Connection, contest: Contest) -> None:
        try:
            floor, totals = await advance_floor(connection, contest.id)
        except TallyOfAnotherCluster as error:
            log.warning("tally_of_another_cluster", contest=contest.slug, reason=str(error))
            with suppress(StoreUnavailable):
                await forget_counts(valkey, contest.id)
            floor, totals = await _take_over(connection, contest)
        except Refused as error:
            metrics.LOOP_FAILURES.labels(NAME).inc()
            log.warning("tally_not_advanced", contest=contest.slug, reason=str(error))
            return
        try:
            try:
                drift = await set_counts(valkey, contest.id, floor, totals)
            except SuspectedLoss as confirmed:
                await _note_loss(connection, contest, confirmed)
                drift = await set_counts(valkey, contest.id, floor, totals, restored=True)
        except StoreUnavailable as error:
            log.warning("counters_not_reconciled", contest=contest.slug, reason=str(error))
            return
        voting_metrics.COUNTER_DRIFT.set(drift)
        voting_metrics.RECONCILED_AT.set(time.time())
        if drift:
            log.info("counters_corrected", contest=contest.slug, votes=drift)

    return Loop(NAME, 1.0, for_each_contest(NAME, reconcile))


async def _take_over(connection: Connection, contest: Contest) -> tuple[Floor, Counts]:
    """Count a restored contest from its ballots, for the cluster that they are in now."""
    done = await rebuild(connection, contest, ACTOR)
    log.warning(
        "tally_taken_over",
        contest=contest.slug,
        ballots=done.ballots,
        renumbered=done.renumbered,
        seconds=round(done.seconds, 1),
    )
    return done.floor, done.totals


async def _note_loss(connection: Connection, contest: Contest, confirmed: SuspectedLoss) -> None:
    loss = await record_loss(connection, contest.id, confirmed)
    if loss is None:  # the counters were not corrected after it was noted
        return
    if not loss.ballots:
        log.info("record_restored", contest=contest.slug)
        return
    voting_metrics.BALLOTS_LOST.inc(loss.ballots)
    log.error(
        "record_went_back",
        contest=contest.slug,
        ballots_lost=loss.ballots,
        newest_ballot=loss.newest_at and loss.newest_at.isoformat(),
        confirmed_until=loss.confirmed_until.isoformat(),
        effect="receipts issued between these two moments may be for ballots that are not stored",
        remedy="restore a newer backup, or tell voters of this time to send their ballots again",
    )
