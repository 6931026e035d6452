"""Compares the stored tally with a recount of all ballots."""

from __future__ import annotations

import structlog

from voting_service.contests.model import Contest
from voting_service.errors import Refused
from voting_service.infrastructure import metrics
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.voting import metrics as voting_metrics
from voting_service.voting.completeness import CompletenessReader
from voting_service.voting.tally.recount_audit import (
    Audit,
    audit,
    audit_due,
    last_ruled_at,
    load_audit,
)

NAME = "recount_audit"

log = structlog.get_logger(__name__)


def recount_audit_loop(completeness: CompletenessReader) -> Loop:
    """Return the loop that recounts all ballots at intervals and after the close."""
    difference = 0

    async def compare(connection: Connection, contest: Contest) -> None:
        nonlocal difference
        newest = await load_audit(connection, contest.id)
        ruled_at = await last_ruled_at(connection, contest.id)
        if audit_due(contest, newest, ruled_at, await completeness(connection)):
            newest = await _audit_contest(connection, contest) or newest
        difference += newest.difference if newest else 0

    compare_all = for_each_contest(NAME, compare)

    async def work(connection: Connection) -> None:
        nonlocal difference
        difference = 0
        await compare_all(connection)
        voting_metrics.AUDIT_DIFFERENCE.set(difference)

    return Loop(NAME, 30.0, work)


async def _audit_contest(connection: Connection, contest: Contest) -> Audit | None:
    try:
        result = await audit(connection, contest)
    except Refused as error:  # audit the other contests
        metrics.LOOP_FAILURES.labels(NAME).inc()
        log.warning("tally_not_audited", contest=contest.slug, reason=str(error))
        return None
    if result.difference:
        log.error("tally_differs_from_ballots", contest=contest.slug, votes=result.difference)
    else:
        log.info("tally_audited", contest=contest.slug, ballots=result.ballots)
    return result
