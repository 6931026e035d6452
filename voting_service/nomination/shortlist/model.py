"""The shortlist and the approvals about it: plain values, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from voting_service.staff.approvals.model import ApprovalRequest

SHORTLIST_SUBJECT, SOURCE, SEED, CONTEST = "fifty", "source", "seed", "contest"
"""The subjects of approvals about the shortlist; migrations/sql/0013_review.sql knows them too."""
APPROVAL_KINDS = frozenset({"picks", "draw", "hand_over"})
"""The kinds of approvals that belong to the shortlist."""


class ShortlistEntry(msgspec.Struct, frozen=True):
    """A shortlisted recommendation and the approval `decision_id` that put it there. `number`
    once it is drawn; `is_removed` after an upheld objection."""

    recommendation_id: int
    number: int | None
    is_removed: bool
    decision_id: int


class Replacement(msgspec.Struct, frozen=True):
    """After an upheld objection, recommendation `add` takes the place and number of `remove`."""

    objection: int
    remove: int
    add: int


def drawn_recommendations(entries: Iterable[ShortlistEntry]) -> list[int]:
    """Return the recommendations whose tickets take part in the draw.

    After the draw these are the first holders of each number: a replacement keeps the number of
    the one it replaces.
    """
    by_approval = sorted(entries, key=lambda entry: entry.decision_id)
    first_holders: dict[int, int] = {}
    for entry in by_approval:
        if entry.number is not None:
            first_holders.setdefault(entry.number, entry.recommendation_id)
    return list(first_holders.values()) or [
        entry.recommendation_id for entry in by_approval if not entry.is_removed
    ]


def find_approved(
    approvals: Sequence[ApprovalRequest], kind: str, subject: str
) -> ApprovalRequest | None:
    """Return the approved request of this kind and subject, or None."""
    for approval in approvals:
        if (approval.kind, approval.subject) == (kind, subject) and approval.state == "approved":
            return approval
    return None


def waiting_approvals(
    approvals: Iterable[ApprovalRequest], kinds: Iterable[str] = APPROVAL_KINDS
) -> list[ApprovalRequest]:
    """Return the requests of these kinds that are neither approved nor declined."""
    return [each for each in approvals if each.kind in kinds and each.state == "waiting"]
