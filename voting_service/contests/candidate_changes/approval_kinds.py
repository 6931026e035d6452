"""The kinds of approval requests that change a candidate. Their triggers carry them out
(migrations/schema/candidate_changes.sql)."""

from __future__ import annotations

from typing import Any

import msgspec

from voting_service.contests.model import WithdrawalGround
from voting_service.i18n.text import Text
from voting_service.staff.approvals.model import DECIDERS, ApprovalKind, register


class CorrectionPayload(msgspec.Struct, frozen=True):
    """A correction; the fields are those of `contests.model.ProfileCorrection`."""

    number: int
    before: dict[str, Any]
    after: dict[str, Any]
    before_hidden: bool
    reason: Text


class WithdrawalPayload(msgspec.Struct, frozen=True):
    """A withdrawal; the fields are those of `contests.model.Withdrawal`."""

    number: int
    ground: WithdrawalGround
    reason: Text


def without_hidden(correction: dict[str, Any]) -> dict[str, Any]:
    """Return a correction's payload without what the public does not see of it."""
    if not correction.get("before_hidden"):
        return correction
    return {name: value for name, value in correction.items() if name != "before"}


PROFILE_CORRECTION = register(
    ApprovalKind(
        "profile_correction",
        CorrectionPayload,
        "contest",
        DECIDERS,
        "kinds.profile_correction",
        without_hidden,
        place="/contests/{slug}/corrections",
    )
)
WITHDRAWAL = register(
    ApprovalKind(
        "withdrawal",
        WithdrawalPayload,
        "contest",
        DECIDERS,
        lambda payload: f"kinds.withdrawal_{payload.ground}",
        place="/contests/{slug}/corrections",
    )
)
KINDS = frozenset({PROFILE_CORRECTION.name, WITHDRAWAL.name})
