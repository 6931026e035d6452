"""Propose, approve and decline; each is one transaction with its line of the audit log.

A message about a proposal goes to those who may approve it.
"""

from __future__ import annotations

from typing import Any

from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.i18n.catalogues import find_text, load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.staff.accounts.model import require_role
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.constraints import CONSTRAINTS
from voting_service.staff.approvals.model import (
    CATALOGUE,
    ApprovalKind,
    ApprovalRequest,
    ApprovalTarget,
    approval_kind,
    check_approver,
    check_waiting,
)
from voting_service.staff.approvals.repository import (
    NewRequest,
    insert_request,
    load_approvals,
    store_approval,
    store_refusal,
)
from voting_service.staff.audit_log.record import record
from voting_service.staff.messages.model import NewMessage
from voting_service.staff.messages.service import tell_roles

register_constraint_errors(CONSTRAINTS)
MAX_REASON_CHARACTERS = 2000


async def propose(
    actor: Actor,
    target: ApprovalTarget,
    *,
    kind: ApprovalKind[Any],
    subject: str,
    payload: dict[str, Any],
) -> int:
    """Store a request and return its id.

    Raises WrongRole, or Refused when the same was already proposed or approved.
    """
    connection, account, now = actor
    require_role(account, *kind.may_propose())
    request = NewRequest(kind.name, subject, payload, account.id, now)
    for other in await load_approvals(connection, kind.target, target.id):
        _refuse_repetition(request, other)
    with domain_errors():
        async with connection.transaction():
            request_id = await insert_request(connection, kind.target, target.id, request)
            message = _waits(kind, target, account.name, request_id, subject)
            await tell_roles(actor, kind.deciders, message)
            await record(
                connection,
                account.name,
                "proposed",
                contest=target.slug,
                subject=f"approval {request_id}",
                details=_details(kind, payload, request.payload_hash),
            )
    return request_id


def _waits(
    kind: ApprovalKind[Any], target: ApprovalTarget, proposer: str, request_id: int, subject: str
) -> NewMessage:
    """Return the message to those who may approve, with a link to where they do. The payload is
    left out: it may name people. The catalogue names a kind, or what such requests are about."""
    names = (f"{kind.name}_{subject.partition('/')[0]}", kind.name, "other")
    name = next(name for name in names if find_text(CATALOGUE, f"names.{name}", "en"))
    return NewMessage(
        kind="approval",
        key=f"approval/{request_id}",
        params={
            "what": load_text(CATALOGUE, f"names.{name}"),
            "proposer": Text(proposer, proposer),
        },
        path=kind.path(target.slug, target.id, subject),
        selection_id=target.id if kind.target == "selection" else None,
    )


def _details(kind: ApprovalKind[Any], payload: dict[str, Any], payload_hash: str) -> dict[str, Any]:
    recorded = kind.recorded(payload)
    hidden = {} if recorded == payload else {"payload_hash": payload_hash}
    return {"kind": kind.name, **recorded, **hidden}


def _refuse_repetition(request: NewRequest, other: ApprovalRequest) -> None:
    if (other.kind, other.subject) != (request.kind, request.subject):
        return
    if other.state == "approved":
        raise Refused(
            "staff.approvals.already_decided",
            id=other.id,
            en_what=other.describe("en"),
            zh_what=other.describe("zh"),
        )
    if other.state == "waiting" and other.payload_hash == request.payload_hash:
        raise Refused("staff.approvals.already_proposed", proposer=other.proposer, id=other.id)


async def record_approval(actor: Actor, target: ApprovalTarget, request: ApprovalRequest) -> None:
    """Approve a request. The caller carries out its consequences in the same transaction.

    Raises SecondPersonRequired if the proposer approves, WrongRole or Refused.
    """
    connection, account, now = actor
    check_approver(request, account)
    with domain_errors():
        async with connection.transaction():
            await store_approval(connection, request.id, account.id, now)
            await record(
                connection,
                account.name,
                "approved",
                contest=target.slug,
                subject=f"approval {request.id}",
                details=_details(
                    approval_kind(request.kind), request.payload, request.payload_hash
                ),
            )


async def decline(
    actor: Actor, target: ApprovalTarget, request: ApprovalRequest, because: str
) -> ApprovalRequest:
    """Decline a request, or withdraw one's own, and return it. The same can be proposed again.

    Raises WrongRole, Refused, or InvalidInput without a reason.
    """
    connection, account, now = actor
    kind = approval_kind(request.kind)
    is_own = request.proposed_by == account.id
    require_role(account, *(kind.may_propose() if is_own else kind.deciders))
    check_waiting(request)
    because = because.strip()
    if not 1 <= len(because) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(
            Fault(
                "because",
                "staff.approvals.reason_length",
                max_reason_characters=MAX_REASON_CHARACTERS,
            )
        )
    with domain_errors():
        async with connection.transaction():
            await store_refusal(connection, request.id, account.id, now, because)
            await record(
                connection,
                account.name,
                "declined",
                contest=target.slug,
                subject=f"approval {request.id}",
                details={"kind": request.kind, "because": because},
            )
    return request
