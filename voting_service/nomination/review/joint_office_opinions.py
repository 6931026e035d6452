"""The joint office's opinion on accepted recommendations, the third box of the form: text, date and
stamp. Two people give it, for many recommendations at once or for one; the newest counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from typing import NamedTuple

import msgspec

from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.declining import reject
from voting_service.nomination.documents.recommendation_form import JointOfficeOpinion
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.privacy.disclosure import disclosures
from voting_service.nomination.review.approval_kinds import (
    JOINT_OFFICE_OPINION,
    JointOfficeOpinionPayload,
)
from voting_service.nomination.review.repository import (
    JointOfficeStamp,
    insert_stamp,
    load_accepted_ids,
    load_stamp,
)
from voting_service.nomination.review.stamp_picture import cut_out_stamp
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import find_approval, load_selection_approvals
from voting_service.staff.approvals.service import propose, record_approval

MAX_OPINION_CHARACTERS = 200


class NewOpinion(NamedTuple):
    """An opinion as it is proposed; `signed_on` is None where the date could not be read."""

    text: str
    signed_on: date | None
    recommendations: tuple[int, ...]


async def add_stamp(actor: SelectionActor, picture: bytes) -> None:
    """Store the stamp that opinions are given with from now on; `picture` was encoded by us. Raises
    InvalidInput for a picture without ink."""
    content = await asyncio.to_thread(cut_out_stamp, picture)
    stamp = JointOfficeStamp(sha256(content).digest(), content)
    with domain_errors():
        async with actor.connection.transaction():
            await insert_stamp(actor, stamp)
            await actor.record(
                "stamp_added", "stamp of the joint office", sha256=stamp.sha256.hex()
            )


async def load_opinions(actor: SelectionActor) -> tuple[ApprovalRequest, ...]:
    """Return every opinion that was proposed, newest first."""
    requests = await load_selection_approvals(actor.connection, actor.selection.id)
    return tuple(
        request for request in reversed(requests) if request.kind == JOINT_OFFICE_OPINION.name
    )


def approved_opinions(
    newest_first: Iterable[ApprovalRequest],
) -> Mapping[int, JointOfficeOpinionPayload]:
    """Return the opinion that counts, by recommendation."""
    counting: dict[int, JointOfficeOpinionPayload] = {}
    for request in newest_first:
        if request.state == "approved":
            payload = JOINT_OFFICE_OPINION.read(request)
            for recommendation_id in payload.recommendations:
                counting.setdefault(recommendation_id, payload)
    return counting


async def load_joint_office_opinions(actor: SelectionActor) -> Mapping[int, JointOfficeOpinion]:
    """Return the opinions on the recommendations that are accepted now, as they are printed."""
    accepted = await load_accepted_ids(actor.connection, actor.selection)
    stamps: dict[str, bytes] = {}
    opinions = {}
    for number, payload in approved_opinions(await load_opinions(actor)).items():
        if number not in accepted:
            continue
        if payload.stamp_sha256 not in stamps:
            stamp = await load_stamp(actor, bytes.fromhex(payload.stamp_sha256))
            if stamp is None:
                raise NotFound("nomination.review.no_stamp")
            stamps[payload.stamp_sha256] = stamp.content
        opinions[number] = JointOfficeOpinion(
            text=payload.text,
            signed_on=date.fromisoformat(payload.signed_on),
            stamp=stamps[payload.stamp_sha256],
        )
    return opinions


async def load_joint_office_opinion(
    actor: SelectionActor, recommendation_id: int
) -> JointOfficeOpinion | None:
    """Return the opinion on an accepted recommendation as it is printed, None where there is none
    or the recommendation is not accepted any more."""
    return (await load_joint_office_opinions(actor)).get(recommendation_id)


async def propose_opinion(actor: SelectionActor, opinion: NewOpinion) -> int:
    """Propose an opinion and return the id of the approval request.

    Raises InvalidInput, WrongRole, and Refused while another opinion waits.
    """
    opinions = await load_opinions(actor)
    if any(request.state == "waiting" for request in opinions):
        raise Refused("nomination.review.opinion_waiting")
    stamp = await load_stamp(actor)
    accepted = await load_accepted_ids(actor.connection, actor.selection)
    text = opinion.text.strip()
    faults = [*_text_faults(text), *_choice_faults(actor, opinion, accepted)]
    if stamp is None:
        faults.append(Fault("stamp", "nomination.review.add_stamp"))
    if faults or opinion.signed_on is None or stamp is None:
        raise InvalidInput(*faults)
    payload = JointOfficeOpinionPayload(
        recommendations=tuple(sorted(set(opinion.recommendations))),
        text=text,
        signed_on=opinion.signed_on.isoformat(),
        stamp_sha256=stamp.sha256.hex(),
    )
    turn = 1 + sum(request.state == "approved" for request in opinions)
    return await propose(
        actor.actor,
        actor.selection,
        kind=JOINT_OFFICE_OPINION,
        subject=str(turn),
        payload=msgspec.to_builtins(payload),
    )


def _text_faults(text: str) -> list[Fault]:
    if not 1 <= count_characters(text) <= MAX_OPINION_CHARACTERS:
        return [Fault("text", "nomination.review.opinion_length", limit=MAX_OPINION_CHARACTERS)]
    return list(disclosures({"text": text}))


def _choice_faults(
    actor: SelectionActor, opinion: NewOpinion, accepted: frozenset[int]
) -> list[Fault]:
    faults = []
    if opinion.signed_on is None or opinion.signed_on > actor.today:
        faults.append(Fault("signed_on", "nomination.review.opinion_date"))
    if not opinion.recommendations or not accepted.issuperset(opinion.recommendations):
        faults.append(Fault("recommendation", "nomination.review.choose_accepted"))
    return faults


async def approve_opinion(actor: SelectionActor, request_id: int) -> None:
    """Approve an opinion; it is printed from now on. Raises NotFound, SecondPersonRequired when the
    proposer approves, and Refused when it is decided or a recommendation is not accepted any more.
    """
    request = await _find_opinion(actor, request_id)
    with domain_errors():
        async with actor.connection.transaction():
            accepted = await load_accepted_ids(actor.connection, actor.selection)
            if not accepted.issuperset(JOINT_OFFICE_OPINION.read(request).recommendations):
                raise Refused("nomination.review.opinion_out_of_date")
            await record_approval(actor.actor, actor.selection, request)


async def reject_opinion(actor: SelectionActor, request_id: int, because: str) -> None:
    """Reject an opinion, or withdraw one's own. Raises as `nomination.declining.reject`, and
    NotFound."""
    await reject(actor.actor, actor.selection, await _find_opinion(actor, request_id), because)


async def _find_opinion(actor: SelectionActor, request_id: int) -> ApprovalRequest:
    return find_approval(await load_opinions(actor), request_id)
