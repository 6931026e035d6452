"""Decisions in Postgres: proposed, approved, declined; each act stands in the journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from voting_service.accounts.model import Account, require_role
from voting_service.decisions.model import (
    SELECTION_KINDS,
    Decision,
    Kind,
    Matter,
    check_approver,
    check_waiting,
    deciders,
)
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.storage.canonical import digest
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)
MAX_REASON_CHARACTERS = 2000


async def load_decisions(connection: AnyConnection, contest_id: int) -> tuple[Decision, ...]:
    """All about a contest, oldest first. Raises Refused when one does not fit the hash it was
    stored with."""
    return await _load(connection, contest_id, None)


async def load_selection_decisions(
    connection: AnyConnection, selection_id: int
) -> tuple[Decision, ...]:
    """All about a selection, as `load_decisions`."""
    return await _load(connection, None, selection_id)


async def _load(
    connection: AnyConnection, contest_id: int | None, selection_id: int | None
) -> tuple[Decision, ...]:
    with domain_errors():
        rows = await connection.fetch(QUERIES["decisions"], contest_id, selection_id)
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


async def propose(
    connection: AnyConnection,
    matter: Matter,
    account: Account,
    *,
    kind: Kind,
    subject: str,
    payload: dict[str, Any],
    now: datetime,
) -> int:
    """The new decision's id. Raises Refused when the same was proposed or decided already."""
    require_role(account, *deciders(kind))
    payload_hash = _hash(kind, subject, payload)
    is_selection = kind in SELECTION_KINDS
    contest_id, selection_id = (None, matter.id) if is_selection else (matter.id, None)
    for other in await _load(connection, contest_id, selection_id):
        if (other.kind, other.subject) != (kind, subject) or other.state == "declined":
            continue
        if other.state == "approved":
            raise Refused(
                f"this was decided already, by decision {other.id}: {other}",
                zh=f"此事已有决定（决定 {other.id}）。",
            )
        if other.payload_hash == payload_hash:
            raise Refused(
                f"{other.proposer} proposed the same as decision {other.id}; "
                f"somebody else approves it with `approve {other.id}`",
                zh=f"{other.proposer}已有同样的提议（决定 {other.id}），请由另一位同事批准。",
            )
    with domain_errors():
        async with connection.transaction():
            decision_id: int = await connection.fetchval(
                QUERIES["insert_decision"],
                contest_id,
                selection_id,
                kind,
                subject,
                payload,
                payload_hash,
                account.id,
                now,
            )
            await record(
                connection,
                account.name,
                "proposed",
                contest=matter.slug,
                subject=f"decision {decision_id}",
                details={"kind": kind, **payload},
            )
    return decision_id


async def record_approval(
    connection: AnyConnection,
    matter: Matter,
    decision: Decision,
    account: Account,
    now: datetime,
) -> None:
    """Makes the decision stand; what follows from it belongs into the same transaction.

    Raises SecondPersonRequired or Refused.
    """
    check_approver(decision, account)
    with domain_errors():
        async with connection.transaction():
            approved = await connection.fetchval(
                QUERIES["approve_decision"], decision.id, account.id, now
            )
            if approved is None:
                raise Refused(
                    f"decision {decision.id} was approved or declined this moment",
                    zh=f"决定 {decision.id} 刚刚已被批准或否决，请刷新页面查看。",
                )
            await record(
                connection,
                account.name,
                "approved",
                contest=matter.slug,
                subject=f"decision {decision.id}",
                details={"kind": decision.kind, **decision.payload},
            )


async def decline(
    connection: AnyConnection,
    matter: Matter,
    account: Account,
    decision: Decision,
    because: str,
    *,
    now: datetime,
) -> Decision:
    """Turns a proposal down, or withdraws one's own. It can be proposed anew.

    Raises Refused, or InvalidInput without a reason.
    """
    require_role(account, *deciders(decision.kind))
    check_waiting(decision)
    because = because.strip()
    if not 1 <= len(because) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(
            Fault(
                "because",
                f"say why, in 1 to {MAX_REASON_CHARACTERS} characters",
                f"请写明原因，1 至 {MAX_REASON_CHARACTERS} 个字。",
            )
        )
    with domain_errors():
        async with connection.transaction():
            declined = await connection.fetchval(
                QUERIES["decline_decision"], decision.id, account.id, now, because
            )
            if declined is None:
                raise Refused(
                    f"decision {decision.id} was approved or declined this moment",
                    zh=f"决定 {decision.id} 刚刚已被批准或否决，请刷新页面查看。",
                )
            await record(
                connection,
                account.name,
                "declined",
                contest=matter.slug,
                subject=f"decision {decision.id}",
                details={"kind": decision.kind, "because": because},
            )
    return decision
