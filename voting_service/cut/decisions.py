"""What two people decide together: one proposes, another approves, and then it stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import msgspec

from voting_service.accounts.model import Account, Role, require_role
from voting_service.cut.document import TieDecision, moment
from voting_service.cut.ranking import Tie
from voting_service.errors import NotFound, Refused, SecondPersonRequired
from voting_service.storage.canonical import digest
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)

Kind = Literal["tie_order", "lot", "publication"]

DECIDERS: tuple[Role, ...] = ("tally_clerk", "supervisor")
"""Who may propose, and who may approve what another proposed. Administrators hand out
accounts, so they decide nothing."""


class Decision(msgspec.Struct, frozen=True):
    """Pending while `approved_at` is None."""

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

    def __str__(self) -> str:
        """What is decided, in words."""
        if self.kind == "publication":
            return (
                f"publish version {self.subject}, "
                f"document SHA-256 {self.payload['document_sha256']}"
            )
        if self.kind == "lot":
            return f"number {self.payload['drawn']} was drawn for the tied {self.subject}"
        order = ", ".join(str(number) for number in self.payload["order"])
        return f"the tied {self.subject} go in the order {order}"


def tie_subject(tie: Tie) -> str:
    """A decision about a tie is about these candidates: if others are tied later, it does not
    apply to them."""
    return ",".join(str(number) for number in tie.numbers)


async def load_decisions(connection: AnyConnection, contest_id: int) -> tuple[Decision, ...]:
    """Oldest first. Raises Refused when one does not fit the hash it was stored with."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["decisions"], contest_id)
    decisions = tuple(msgspec.convert(dict(row), Decision) for row in rows)
    for decision in decisions:
        if _hash(decision.kind, decision.subject, decision.payload) != decision.payload_hash:
            raise Refused(f"decision {decision.id} was changed in the database behind our back")
    return decisions


def _hash(kind: Kind, subject: str, payload: dict[str, Any]) -> str:
    return digest({"kind": kind, "subject": subject, "payload": payload})


def find_decision(decisions: Iterable[Decision], decision_id: int) -> Decision:
    """Raises NotFound."""
    for decision in decisions:
        if decision.id == decision_id:
            return decision
    raise NotFound(f"this contest has no decision {decision_id}; see `decisions`")


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


async def propose(
    connection: AnyConnection,
    contest_id: int,
    account: Account,
    *,
    kind: Kind,
    subject: str,
    payload: dict[str, Any],
    now: datetime,
) -> int:
    """The new decision's id. Raises Refused when the same was proposed or decided already."""
    require_role(account, *DECIDERS)
    payload_hash = _hash(kind, subject, payload)
    for other in await load_decisions(connection, contest_id):
        if (other.kind, other.subject) != (kind, subject):
            continue
        if other.approved_at is not None:
            raise Refused(f"this was decided already, by decision {other.id}: {other}")
        if other.payload_hash == payload_hash:
            raise Refused(
                f"{other.proposer} proposed the same as decision {other.id}; "
                f"somebody else approves it with `approve {other.id}`"
            )
    with domain_errors():
        decision_id: int = await connection.fetchval(
            QUERIES["insert_decision"],
            contest_id,
            kind,
            subject,
            payload,
            payload_hash,
            account.id,
            now,
        )
    return decision_id


def check_approver(decision: Decision, account: Account) -> None:
    """Raises SecondPersonRequired, or Refused; the database refuses both as well."""
    require_role(account, *DECIDERS)
    if decision.approved_at is not None:
        raise Refused(f"decision {decision.id} was approved by {decision.approver} already")
    if decision.proposed_by == account.id:
        raise SecondPersonRequired(
            f"{account.name} proposed decision {decision.id} and cannot approve it; "
            "ask a second person"
        )


async def record_approval(
    connection: AnyConnection, decision: Decision, account: Account, now: datetime
) -> None:
    """Makes the decision stand. Raises SecondPersonRequired or Refused."""
    check_approver(decision, account)
    with domain_errors():
        await connection.execute(QUERIES["approve_decision"], decision.id, account.id, now)
