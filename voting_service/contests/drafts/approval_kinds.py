"""The approval request that makes a draft public."""

from __future__ import annotations

import msgspec

from voting_service.staff.approvals.model import DECIDERS, ApprovalKind, register


class AnnouncementPayload(msgspec.Struct, frozen=True):
    """What is announced: `content_sha256` is the hash of everything that becomes public, `revision`
    that of the draft."""

    contest: str
    revision: int
    opens_at: str
    closes_at: str
    candidates: int
    content_sha256: str


ANNOUNCEMENT = register(
    ApprovalKind(
        "contest_announcement",
        AnnouncementPayload,
        "draft",
        DECIDERS,
        "kinds.contest_announcement",
        place="/drafts/{id}#announce",
    )
)
