"""The kind of approval request that permits a late submission."""

from __future__ import annotations

import msgspec

from voting_service.staff.approvals.model import SELECTION_DECIDERS, ApprovalKind, register


class LateSubmissionPayload(msgspec.Struct, frozen=True):
    """A recommendation that may be submitted until a moment (ISO 8601) after the deadline."""

    recommendation: int
    until: str
    reason: str


LATE_SUBMISSION = register(
    ApprovalKind(
        "late_submission",
        LateSubmissionPayload,
        "selection",
        SELECTION_DECIDERS,
        "kinds.late_submission",
        place="/selections/{slug}/late",
    )
)
