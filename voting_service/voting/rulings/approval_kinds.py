"""The kind of approval request that rules on a hold."""

from __future__ import annotations

import msgspec

from voting_service.staff.approvals.model import DECIDERS, ApprovalKind, register
from voting_service.voting.rulings.model import Verdict


class RulingPayload(msgspec.Struct, frozen=True):
    """A ruling on a hold: for the `turn`-th time, about the ballots with this hash."""

    hold: int
    turn: int
    ballots_hash: str
    verdict: Verdict
    reason: str
    words: str


RULING = register(
    ApprovalKind(
        "ruling",
        RulingPayload,
        "contest",
        DECIDERS,
        "kinds.ruling",
        place="/contests/{slug}/holds/{subject}",
    )
)
