"""Until when the ballots are complete, by the clock and the transactions of Postgres.

No clock of a machine can tell: a commit that waits for a standby makes its ballots visible long
after they were cast. So the database tells, which knows the transactions that still run
(`ballots_complete` in migrations/schema/voting.sql).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple, TypeAlias

from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__, "completeness.sql")


class Completeness(NamedTuple):
    """The time of Postgres, and the moment before which the ballots are complete: every ballot
    dated before it that is ever stored is stored and visible."""

    now: datetime
    complete_before: datetime


CompletenessReader: TypeAlias = Callable[[AnyConnection], Awaitable[Completeness]]
"""Returns the completeness over a connection; tests replace it."""


async def load_completeness(connection: AnyConnection) -> Completeness:
    """Load the completeness; `complete_before` moves on with each call as transactions end. Call it
    outside a transaction. Raises StoreUnavailable."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["ballots_complete"])
    assert row is not None
    return Completeness(*row)
