"""What was decided about a tie at the line."""

from __future__ import annotations

from collections.abc import Iterable

from voting_service.cut.document import TieDecision, moment
from voting_service.cut.ranking import Tie
from voting_service.decisions.model import Decision


def tie_subject(tie: Tie) -> str:
    """A decision about a tie is about these candidates: if others are tied later, it does not
    apply to them."""
    return ",".join(str(number) for number in tie.numbers)


def decided_tie(decisions: Iterable[Decision], tie: Tie | None) -> TieDecision | None:
    """What was approved about exactly this tie."""
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
