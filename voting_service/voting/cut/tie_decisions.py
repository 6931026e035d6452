"""The decision about a tie for the last place."""

from __future__ import annotations

from collections.abc import Iterable

from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.voting.cut.document import TieDecision, moment
from voting_service.voting.cut.ranking import Tie


def tie_subject(tie: Tie) -> str:
    """Return the target of a tie decision: the tied candidates. It does not apply to others who
    are tied later."""
    return ",".join(str(number) for number in tie.numbers)


def decided_tie(decisions: Iterable[ApprovalRequest], tie: Tie | None) -> TieDecision | None:
    """Return the approved decision about exactly this tie."""
    if tie is None:
        return None
    for decision in decisions:
        if (
            decision.kind in ("tie_order", "lot")
            and decision.subject == tie_subject(tie)
            and decision.approved_at is not None
        ):
            return TieDecision(
                order=tuple(decision.payload.get("order", ())),
                drawn=decision.payload.get("drawn", ""),
                decided_at=moment(decision.approved_at),
            )
    return None
