"""Late exceptions: two people of the joint office permit one recommendation to be submitted after
the deadline, for a stated reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.declining import reject
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.disclosure import disclosures
from voting_service.nomination.recommendations.approval_kinds import LATE_SUBMISSION
from voting_service.nomination.recommendations.repository import load_unsubmitted
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import find_approval, load_selection_approvals
from voting_service.staff.approvals.service import propose, record_approval

MAX_REASON_CHARACTERS = 500
LONGEST_EXTENSION = timedelta(days=30)
"""After the deadline. A later recommendation belongs to another selection."""


async def load_exceptions(
    connection: AnyConnection, selection: Selection
) -> tuple[ApprovalRequest, ...]:
    """Return every late exception of a selection, newest first."""
    requests = await load_selection_approvals(connection, selection.id)
    return tuple(request for request in reversed(requests) if request.kind == "late_submission")


async def propose_exception(
    actor: SelectionActor, recommendation_id: int, until: datetime, reason: str
) -> int:
    """Propose a late exception and return the id of the approval request. The reason is recorded
    in the audit log, so it must not name the person.

    Raises InvalidInput, WrongRole, and Refused once the shortlist is decided or while a request
    for the same recommendation is waiting.
    """
    reason = reason.strip()
    unsubmitted = await load_unsubmitted(actor.connection, actor.selection)
    faults = [*_until_faults(actor, until), *_reason_faults(reason)]
    if recommendation_id not in {candidate.id for candidate in unsubmitted}:
        faults.append(Fault("recommendation", "nomination.recommendations.not_unsubmitted"))
    if faults:
        raise InvalidInput(*faults)
    requests = await load_selection_approvals(actor.connection, actor.selection.id)
    _check_shortlist_open(requests)
    earlier = [
        request
        for request in requests
        if request.kind == "late_submission"
        and request.payload["recommendation"] == recommendation_id
    ]
    if any(request.state == "waiting" for request in earlier):
        raise Refused("nomination.recommendations.exception_waiting")
    turn = 1 + sum(request.state == "approved" for request in earlier)
    return await propose(
        actor.actor,
        actor.selection,
        kind=LATE_SUBMISSION,
        subject=f"{recommendation_id}/{turn}",
        payload={
            "recommendation": recommendation_id,
            "until": until.isoformat(),
            "reason": reason,
        },
    )


def _until_faults(actor: SelectionActor, until: datetime) -> list[Fault]:
    earliest = max(actor.now, actor.selection.closes_at)
    if until <= earliest:
        return [Fault("until", "nomination.recommendations.until_not_later")]
    if until > earliest + LONGEST_EXTENSION:
        return [
            Fault("until", "nomination.recommendations.until_too_late", days=LONGEST_EXTENSION.days)
        ]
    return []


def _reason_faults(reason: str) -> list[Fault]:
    if not 1 <= count_characters(reason) <= MAX_REASON_CHARACTERS:
        return [
            Fault("reason", "nomination.recommendations.reason_length", limit=MAX_REASON_CHARACTERS)
        ]
    return list(disclosures({"reason": reason}))


async def approve_exception(actor: SelectionActor, request_id: int) -> None:
    """Approve a request; its recommendation can be submitted from now on. Raises NotFound,
    SecondPersonRequired when the proposer approves, and Refused when the request is decided, its
    time has passed or the shortlist is decided."""
    requests = await load_selection_approvals(actor.connection, actor.selection.id)
    request = _find_exception(requests, request_id)
    _check_shortlist_open(requests)
    if datetime.fromisoformat(request.payload["until"]) <= actor.now:
        raise Refused("nomination.recommendations.permitted_time_passed")
    await record_approval(actor.actor, actor.selection, request)


async def reject_exception(actor: SelectionActor, request_id: int, because: str) -> None:
    """Reject a request, or withdraw one's own. The reason is recorded in the audit log. Raises as
    `nomination.declining.reject`, and NotFound."""
    requests = await load_selection_approvals(actor.connection, actor.selection.id)
    request = _find_exception(requests, request_id)
    await reject(actor.actor, actor.selection, request, because)


def _check_shortlist_open(requests: Sequence[ApprovalRequest]) -> None:
    if any(request.kind == "shortlist" and request.state == "approved" for request in requests):
        raise Refused("nomination.recommendations.shortlist_decided")


def _find_exception(requests: Sequence[ApprovalRequest], request_id: int) -> ApprovalRequest:
    request = find_approval(requests, request_id)
    if request.kind != "late_submission":
        raise NotFound("nomination.recommendations.not_a_late_submission", approval_id=request_id)
    return request
