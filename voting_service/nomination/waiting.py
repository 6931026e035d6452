"""What waits for a reviewer or an officer, in every selection."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.model import State
from voting_service.nomination.repository import QUERIES
from voting_service.staff.accounts.model import Account


class ReviewCounts(NamedTuple):
    """What waits in a selection: recommendations without a verdict, those of them that are
    `assigned` to the reviewer, and objections without an answer."""

    selection_id: int
    submitted: int
    assigned: int
    objections: int


class Unsubmitted(NamedTuple):
    """A draft or a returned recommendation that can be submitted until `ends_at`."""

    selection_id: int
    id: int
    state: State
    ends_at: datetime


async def load_review_counts(
    connection: AnyConnection, account: Account
) -> tuple[ReviewCounts, ...]:
    """Return what waits for a reviewer."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["review_work"], account.id)
    return tuple(ReviewCounts(*row) for row in rows)


async def load_officer_work(
    connection: AnyConnection, account: Account, now: datetime
) -> tuple[Unsubmitted, ...]:
    """Return what an officer can still submit."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["officer_work"], account.id, now)
    return tuple(Unsubmitted(*row) for row in rows)
