"""Rejection and withdrawal of approval requests about a selection."""

from __future__ import annotations

from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.disclosure import refuse_disclosures
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.service import decline


async def reject(
    actor: Actor, selection: Selection, decision: ApprovalRequest, because: str
) -> None:
    """Reject a request, or withdraw one's own. Raises as `staff.approvals.service.decline`, and
    InvalidInput for personal data in the reason: the audit log is kept longer than the forms."""
    refuse_disclosures({"because": because})
    await decline(actor, selection, decision, because)
