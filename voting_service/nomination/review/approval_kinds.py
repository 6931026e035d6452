"""The kind of approval request by which the joint office gives its opinion on recommendations."""

from __future__ import annotations

import msgspec

from voting_service.staff.approvals.model import SELECTION_DECIDERS, ApprovalKind, register


class JointOfficeOpinionPayload(msgspec.Struct, frozen=True):
    """One opinion on some recommendations: its text, its date (ISO 8601), and the SHA-256 of the
    stamp that is printed with it."""

    recommendations: tuple[int, ...]
    text: str
    signed_on: str
    stamp_sha256: str


JOINT_OFFICE_OPINION = register(
    ApprovalKind(
        "joint_office_opinion",
        JointOfficeOpinionPayload,
        "selection",
        SELECTION_DECIDERS,
        "kinds.joint_office_opinion",
        place="/selections/{slug}/opinion",
    )
)
