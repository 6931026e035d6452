"""Rejection and withdrawal of approval requests about a selection."""

from __future__ import annotations

from datetime import datetime

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.disclosure import refuse_disclosures
from voting_service.staff.accounts.model import Account
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.service import decline


async def reject(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    decision: ApprovalRequest,
    because: str,
    *,
    now: datetime,
) -> None:
    """Reject a request, or withdraw one's own. Raises as `staff.approvals.service.decline`, and
    InvalidInput for personal data in the reason: the audit log is kept longer than the forms."""
    refuse_disclosures({"because": because})
    await decline(connection, selection, account, decision, because, now=now)
