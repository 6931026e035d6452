"""Change a selection: one person proposes and another approves; the joint office's contacts one
person changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.declining import reject
from voting_service.nomination.model import REVIEWERS
from voting_service.nomination.officer_messages import tell_of_extension
from voting_service.nomination.settings.approval_kinds import (
    EARLIER_WINNERS,
    SELECTION_SETTINGS,
    SelectionSettingsPayload,
    WinnersPayload,
)
from voting_service.nomination.settings.constraints import CONSTRAINTS
from voting_service.nomination.settings.model import (
    Change,
    Contacts,
    change_faults,
    contact_faults,
    find_section,
    reason_faults,
    values_after,
    values_now,
)
from voting_service.staff.accounts.model import require_role
from voting_service.staff.approvals.model import ApprovalKind, ApprovalRequest
from voting_service.staff.approvals.repository import find_approval, load_selection_approvals
from voting_service.staff.approvals.service import propose, record_approval

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)
KINDS = (SELECTION_SETTINGS.name, EARLIER_WINNERS.name)
FIRST_YEAR = 1990


async def load_changes(actor: SelectionActor) -> tuple[ApprovalRequest, ...]:
    """Return every change that was proposed, newest first."""
    requests = await load_selection_approvals(actor.connection, actor.selection.id)
    return tuple(request for request in reversed(requests) if request.kind in KINDS)


async def propose_change(actor: SelectionActor, change: Change, reason: str) -> int:
    """Propose a change of one section and return the id of the approval request.

    Raises InvalidInput with every fault, WrongRole, and Refused when nothing changes or a change of
    the section waits.
    """
    reason, section = reason.strip(), find_section(change)
    faults = [*change_faults(actor.selection, change, actor.now), *reason_faults(reason)]
    if faults:
        raise InvalidInput(*faults)
    before, after = (values(actor.selection, change) for values in (values_now, values_after))
    if before == after:
        raise Refused("nomination.settings.nothing_changes")
    payload = SelectionSettingsPayload(before, after, reason)
    return await _propose(actor, SELECTION_SETTINGS, section, payload)


async def count_known_winners(actor: SelectionActor, numbers: Sequence[str]) -> int:
    """Return how many of these ID numbers are of earlier winners already."""
    with domain_errors():
        count: int = await actor.connection.fetchval(
            QUERIES["known_winners"], [actor.keys.person_hash(number) for number in set(numbers)]
        )
    return count


async def propose_earlier_winners(actor: SelectionActor, numbers: Sequence[str], year: int) -> int:
    """Propose the winners of an earlier year by their ID numbers, of which only keyed hashes are
    stored; return the id of the approval request. Raises as `propose_change`."""
    if not FIRST_YEAR <= year <= actor.today.year:
        limits = {"first": FIRST_YEAR, "last": actor.today.year}
        raise InvalidInput(Fault("year", "nomination.settings.winners_year", **limits))
    hashes = sorted({actor.keys.person_hash(number).hex() for number in numbers})
    payload = WinnersPayload(year, tuple(hashes))
    return await _propose(actor, EARLIER_WINNERS, "earlier-winners", payload)


async def _propose(
    actor: SelectionActor, kind: ApprovalKind[Any], section: str, payload: msgspec.Struct
) -> int:
    earlier = [
        request
        for request in await load_changes(actor)
        if request.subject.partition("/")[0] == section
    ]
    if any(request.state == "waiting" for request in earlier):
        raise Refused("nomination.settings.change_waiting")
    turn = 1 + sum(request.state == "approved" for request in earlier)
    return await propose(
        actor.actor,
        actor.selection,
        kind=kind,
        subject=f"{section}/{turn}",
        payload=msgspec.to_builtins(payload),
    )


async def approve_change(actor: SelectionActor, request_id: int) -> None:
    """Approve a change, which the database carries out; officers get a message about a later
    deadline. Raises NotFound, SecondPersonRequired when the proposer approves, and Refused when it
    is decided or does not fit any more."""
    request, selection = await _find(actor, request_id), actor.selection
    with domain_errors():
        async with actor.connection.transaction():
            await record_approval(actor.actor, selection, request)
            if request.subject.startswith("deadline/"):
                until = datetime.fromisoformat(request.payload["after"]["closes_at"])
                await tell_of_extension(actor, selection.closes_at, until, request.id)


async def load_waiting_shortlist(actor: SelectionActor) -> ApprovalRequest | None:
    """Return the proposal of a shortlist that waits for approval: while it does, a later deadline
    lets in recommendations that nobody could choose."""
    for request in await load_selection_approvals(actor.connection, actor.selection.id):
        if request.kind == "shortlist" and request.state == "waiting":
            return request
    return None


async def reject_change(actor: SelectionActor, request_id: int, because: str) -> None:
    """Reject a change, or withdraw one's own. Raises as `nomination.declining.reject`, and
    NotFound."""
    await reject(actor.actor, actor.selection, await _find(actor, request_id), because)


async def _find(actor: SelectionActor, request_id: int) -> ApprovalRequest:
    request = find_approval(
        await load_selection_approvals(actor.connection, actor.selection.id), request_id
    )
    if request.kind not in KINDS:
        raise NotFound("nomination.settings.not_a_change", id=request_id)
    return request


async def change_contacts(actor: SelectionActor, contacts: Contacts) -> None:
    """Store whom to ask from now on; what was published keeps its own. Raises InvalidInput with
    every fault, or WrongRole."""
    require_role(actor.account, *REVIEWERS)
    faults = contact_faults(contacts)
    if faults:
        raise InvalidInput(*faults)
    values = {
        name: None if not getattr(value, "zh", value) and name in _MAY_BE_NONE else value
        for name, value in contacts._asdict().items()
    }
    after = msgspec.to_builtins(values)
    before = {name: msgspec.to_builtins(getattr(actor.selection.rules, name)) for name in after}
    with domain_errors():
        async with actor.connection.transaction():
            await actor.connection.execute(QUERIES["change_contacts"], actor.selection.id, after)
            await actor.record("contacts_changed", "contacts", before=before, after=after)


_MAY_BE_NONE = ("contact", "office_address")
