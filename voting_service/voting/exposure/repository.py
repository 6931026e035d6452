"""Counts the ballots for a report on place and votes, keeps it, and loads it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from voting_service.contests.list_order import VARIANTS
from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.exposure.model import ExposureReport, OrderCount, report

QUERIES = Queries(__package__)
TIMEOUT_SECONDS = 540
"""How long reading every ballot may take."""


async def version_due(connection: AnyConnection, contest_id: int, now: datetime) -> int | None:
    """Return the version of the cut that is public and has no report; None where there is none."""
    with domain_errors():
        version: int | None = await connection.fetchval(QUERIES["due"], contest_id, now)
    return version


async def prepare(connection: AnyConnection, contest: Contest, version: int) -> ExposureReport:
    """Count the ballots, and keep the report on a version of the cut. Reads every ballot."""
    withdrawn_at = [w.withdrawn_at for w in contest.withdrawals]
    with domain_errors():
        async with connection.transaction():
            await connection.execute(QUERIES["limit"], f"{TIMEOUT_SECONDS}s")
            rows = await connection.fetch(
                QUERIES["orders"], contest.id, withdrawn_at, VARIANTS, version
            )
            prepared = report(contest, version, (OrderCount(*row.values()) for row in rows))
            await connection.execute(
                QUERIES["insert"], contest.id, version, msgspec.to_builtins(prepared)
            )
    return prepared


async def load_report(connection: AnyConnection, contest_id: int) -> ExposureReport | None:
    """Load the report on the newest public version of the cut that has one."""
    with domain_errors():
        row = await connection.fetchval(QUERIES["report"], contest_id)
    return None if row is None else msgspec.convert(row, ExposureReport)
