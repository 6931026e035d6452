"""The shortlist and the approvals about it: plain values, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from voting_service.staff.approvals.model import ApprovalRequest

SHORTLIST_SUBJECT, SOURCE, SEED, CONTEST = "choice", "source", "seed", "contest"
"""The subjects of approvals about the shortlist; schema/nomination/shortlist.sql has them too."""
APPROVAL_KINDS = frozenset({"shortlist", "draw", "contest_publication"})
"""The kinds of approvals that belong to the shortlist."""


class ShortlistEntry(msgspec.Struct, frozen=True):
    """A shortlisted recommendation and the approval `approval_id` that put it there. `number`
    once it is drawn; `is_removed` after an upheld objection."""

    recommendation_id: int
    number: int | None
    is_removed: bool
    approval_id: int


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
    by_approval = sorted(entries, key=lambda entry: entry.approval_id)
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
    return [
        approval for approval in approvals if approval.kind in kinds and approval.state == "waiting"
    ]
