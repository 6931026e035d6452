"""The error for each database constraint on approvals."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, SecondPersonRequired, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "approval_requests_two_people": SecondPersonRequired(
        "staff.approvals.cannot_approve_own_proposal"
    ),
    "approval_requests_approved_once": Refused("staff.approvals.decided_meanwhile"),
    "approval_requests_draft_once": Refused("staff.approvals.decided_meanwhile"),
    "approval_requests_selection_once": Refused("staff.approvals.decided_meanwhile"),
    "approval_requests_one_end": Refused("staff.approvals.decided_meanwhile"),
    "approval_requests_deciders": Refused("staff.approvals.deciders"),
}
"""By constraint name, as migrations/ gives it."""
