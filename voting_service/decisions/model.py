"""What a decision is, and who may take part in one. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Protocol, get_args

import msgspec

from voting_service.accounts.model import Account, Role, require_role
from voting_service.errors import Refused, SecondPersonRequired

ContestKind = Literal["tie_order", "lot", "publication", "ruling", "settings"]
SelectionKind = Literal["late_submission", "picks", "draw", "hand_over", "panel", "result"]
Kind = ContestKind | SelectionKind
SELECTION_KINDS: frozenset[str] = frozenset(get_args(SelectionKind))
State = Literal["waiting", "approved", "declined"]

DECIDERS: tuple[Role, ...] = ("tally_clerk", "supervisor")
"""Who may propose about a contest, and who may approve what another proposed. Administrators
hand out accounts, so they decide nothing. The database holds the same list (check_deciders)."""
SELECTION_DECIDERS: tuple[Role, ...] = ("reviewer", "supervisor")
"""The same for what is decided about a selection, before and after the vote."""


class Matter(Protocol):
    """What is decided about: a contest, or a selection (the decision's kind says which)."""

    @property
    def id(self) -> int: ...
    @property
    def slug(self) -> str: ...


def deciders(kind: Kind) -> tuple[Role, ...]:
    """Who may propose, approve and decline a decision of this kind."""
    return SELECTION_DECIDERS if kind in SELECTION_KINDS else DECIDERS


class Decision(msgspec.Struct, frozen=True):
    """`subject` is what is decided, once: the tied numbers, the version to publish, the hold and
    its turn. `payload` is what is decided about it, `payload_hash` its SHA-256."""

    id: int
    kind: Kind
    subject: str
    payload: dict[str, Any]
    payload_hash: str
    proposed_by: int
    proposer: str
    proposed_at: datetime
    approver: str | None
    approved_at: datetime | None
    decliner: str | None
    declined_at: datetime | None
    declined_because: str | None

    @property
    def state(self) -> State:
        if self.approved_at is not None:
            return "approved"
        return "waiting" if self.declined_at is None else "declined"

    def __str__(self) -> str:
        """What is decided, in words."""
        payload = self.payload
        match self.kind:
            case "publication":
                moment = payload.get("visible_from", "its approval")
                return (
                    f"publish version {self.subject}, shown from {moment} on, document SHA-256 "
                    f"{payload['document_sha256']}"
                )
            case "lot":
                return f"number {payload['drawn']} was drawn for the tied {self.subject}"
            case "tie_order":
                order = ", ".join(str(number) for number in payload["order"])
                return f"the tied {self.subject} go in the order {order}"
            case "ruling":
                return f"hold {payload['hold']}: {payload['verdict']}, {payload['reason']}"
            case "settings":
                return f"change {self.subject}"
            case _:
                return f"{self.kind} {self.subject}"


def check_approver(decision: Decision, account: Account) -> None:
    """Raises SecondPersonRequired, or Refused; the database refuses both as well."""
    require_role(account, *deciders(decision.kind))
    check_waiting(decision)
    if decision.proposed_by == account.id:
        raise SecondPersonRequired(
            f"{account.name} proposed decision {decision.id} and cannot approve it; "
            "ask a second person",
            zh=f"决定 {decision.id} 是您提议的，须由另一位同事批准。",
        )


def check_waiting(decision: Decision) -> None:
    """Raises Refused when the decision was approved or declined."""
    if decision.state == "approved":
        raise Refused(
            f"decision {decision.id} was approved by {decision.approver} already",
            zh=f"决定 {decision.id} 已由{decision.approver}批准。",
        )
    if decision.state == "declined":
        raise Refused(
            f"decision {decision.id} was declined by {decision.decliner}: "
            f"{decision.declined_because}; propose it anew if it is right after all",
            zh=f"决定 {decision.id} 已被{decision.decliner}否决：{decision.declined_because}。"
            "如确有必要，请重新提议。",
        )
