"""Correct a candidate's profile or pictures, and withdraw a candidate: one person proposes, another
approves. The approval carries it out in the database (migrations/schema/candidate_changes.sql),
and every worker shows it within seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from voting_service.contests.candidate_changes.approval_kinds import (
    KINDS,
    PROFILE_CORRECTION,
    WITHDRAWAL,
)
from voting_service.contests.candidate_changes.model import (
    PICTURES,
    Fields,
    changed_fields,
    picture_fields,
    shown_fields,
)
from voting_service.contests.model import Contest, WithdrawalGround
from voting_service.contests.pictures.model import Picture
from voting_service.contests.pictures.repository import load_all_pictures, store_files
from voting_service.contests.settings.proposal import check_reason
from voting_service.errors import NotFound, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import require_role
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import (
    DECIDERS,
    ApprovalRequest,
    check_approver,
)
from voting_service.staff.approvals.repository import find_approval, load_contest_approvals
from voting_service.staff.approvals.service import decline, propose, record_approval


class CorrectionDraft(NamedTuple):
    """What somebody wants corrected: new values of fields, as `model.Fields`; a new portrait; and
    whether the earlier text stays hidden from the public."""

    fields: Mapping[str, Any]
    portrait: EncodedPicture | None
    before_hidden: bool
    reason: Text


async def load_shown_fields(
    connection: AnyConnection, contest: Contest, number: int
) -> dict[str, Any]:
    """Load everything of a candidate that can be corrected. Raises NotFound."""
    for candidate in contest.candidates:
        if candidate.number == number:
            pictures = await load_all_pictures(connection, contest.id)
            return shown_fields(candidate, pictures.get(number, ()))
    raise NotFound("contests.candidate_changes.no_such_candidate", number=number)


async def propose_correction(
    actor: Actor, contest: Contest, number: int, draft: CorrectionDraft
) -> int:
    """Propose a correction, store the files of a new portrait, and return the request's id.

    Raises WrongRole, NotFound, InvalidInput with every fault, and Refused when nothing changes or
    the same is already proposed.
    """
    connection, account, _ = actor
    require_role(account, *DECIDERS)
    check_reason(draft.reason)
    shown = await load_shown_fields(connection, contest, number)
    corrected = _with_portrait(shown, draft)
    if draft.portrait is not None and all(
        value == shown[name] for name, value in corrected.items()
    ):
        raise Refused("contests.candidate_changes.same_portrait")
    before, after = changed_fields(number, shown, corrected)
    turn = 1 + sum(correction.number == number for correction in contest.corrections)
    with domain_errors():
        async with connection.transaction():
            if draft.portrait is not None:
                await store_files(connection, contest.id, number, draft.portrait)
            return await propose(
                actor,
                contest,
                kind=PROFILE_CORRECTION,
                subject=f"{number}/{turn}",
                payload={
                    "number": number,
                    "before": before,
                    "after": after,
                    "before_hidden": draft.before_hidden,
                    "reason": msgspec.to_builtins(draft.reason),
                },
            )


def _with_portrait(shown: Fields, draft: CorrectionDraft) -> Fields:
    if draft.portrait is None:
        return draft.fields
    portrait = Picture(draft.portrait.hash, draft.portrait.width, draft.portrait.height)
    pictures = draft.fields.get(PICTURES, shown[PICTURES])
    others = [picture for picture in pictures if picture["caption"] is not None]
    return {**draft.fields, PICTURES: [picture_fields(portrait), *others]}


async def propose_withdrawal(
    actor: Actor, contest: Contest, number: int, ground: WithdrawalGround, reason: Text
) -> int:
    """Propose that a candidate leaves the contest, and return the request's id.

    Raises WrongRole, NotFound, InvalidInput without a reason, and Refused for a candidate who has
    withdrawn.
    """
    require_role(actor.account, *DECIDERS)
    check_reason(reason)
    if number not in contest.numbers:
        raise NotFound("contests.candidate_changes.no_such_candidate", number=number)
    if number in contest.withdrawn:
        raise Refused("contests.candidate_changes.already_withdrawn", number=number)
    return await propose(
        actor,
        contest,
        kind=WITHDRAWAL,
        subject=str(number),
        payload={"number": number, "ground": ground, "reason": msgspec.to_builtins(reason)},
    )


async def approve_candidate_change(
    actor: Actor, contest: Contest, request_id: int
) -> ApprovalRequest:
    """Approve a pending correction or withdrawal, which takes effect.

    Raises SecondPersonRequired if the proposer approves, NotFound, and Refused when the candidate
    was corrected since the proposal or too few would be left.
    """
    request = await _find(actor, contest, request_id)
    check_approver(request, actor.account)
    await record_approval(actor, contest, request)
    return request


async def decline_candidate_change(
    actor: Actor, contest: Contest, request_id: int, because: str
) -> ApprovalRequest:
    """Decline a proposed change, or withdraw one's own. Raises NotFound for any other request, and
    as `approvals.service.decline`."""
    return await decline(actor, contest, await _find(actor, contest, request_id), because)


async def _find(actor: Actor, contest: Contest, request_id: int) -> ApprovalRequest:
    request = find_approval(await load_contest_approvals(actor.connection, contest.id), request_id)
    if request.kind not in KINDS:
        raise NotFound("contests.candidate_changes.not_a_candidate_change", id=request_id)
    return request
