"""From the panel's outcome to a published result: two people decide it.

Every function opens its transaction and writes the audit log.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.contests.published_cut import published_cut_sha256
from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.i18n.catalogues import load_text
from voting_service.infrastructure.crypto.signed_document import sign_document
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.awards.approval_kinds import RESULT
from voting_service.nomination.awards.published_result import (
    NewResult,
    Removal,
    Result,
    ResultDocument,
    insert_result,
    load_results,
)
from voting_service.nomination.awards.result_document import (
    ResultVersion,
    build_result,
    iso_utc,
    objections_end,
)
from voting_service.nomination.declining import reject
from voting_service.nomination.notices.repository import (
    Notice,
    NoticeRow,
    publish_notice,
)
from voting_service.nomination.officer_messages import RecommendationMessage, tell_officers
from voting_service.nomination.panel.candidates import load_recommended
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.panel.outcome import load_panel_outcome
from voting_service.nomination.privacy.disclosure import disclosures
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.repository import load_bodies
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import find_approval
from voting_service.staff.approvals.service import propose, record_approval

MAX_DELAY = timedelta(days=90)
MAX_REASON_CHARACTERS = 500


class ResultKeys(NamedTuple):
    """The keys that publishing a result takes: to sign it, and to read the recommendations."""

    signing: Ed25519PrivateKey
    personal: PersonalKeys


class ResultProposal(NamedTuple):
    """When the result becomes public (None: once approved), and for a correction who is removed."""

    visible_from: datetime | None = None
    removal: Removal | None = None


async def propose_result(
    actor: Actor, keys: ResultKeys, panel: Panel, proposal: ResultProposal
) -> int:
    """Propose winners and nominees as the sheets give them now, and return the request's id.

    Raises Refused before the panel has finished, and InvalidInput.
    """
    visible_from, now = proposal.visible_from, actor.now
    if visible_from is not None and not now <= visible_from <= now + MAX_DELAY:
        raise InvalidInput(
            Fault("visible_from", "nomination.awards.visible_within_days", days=MAX_DELAY.days)
        )
    newest = await _load_newest(actor.connection, panel)
    removals = _removals(newest, proposal.removal)
    if proposal.removal is not None:
        await _refuse_personal_data(actor.connection, panel, keys.personal, proposal.removal)
    until = iso_utc(objections_end(panel, visible_from or now))
    document = await _next_document(actor, panel, until, removals)
    payload: dict[str, Any] = {
        "winners": [award.number for award in document.winners],
        "nominees": [award.number for award in document.nominees],
        "left_out": [msgspec.to_builtins(removal) for removal in removals],
        "objections_until": until,
        "document_sha256": _sha256(sign_document(document.builtins(), keys.signing)),
    }
    if visible_from is not None:
        payload["visible_from"] = iso_utc(visible_from)
    return await propose(
        actor,
        panel.selection,
        kind=RESULT,
        subject=str(document.version),
        payload=payload,
    )


async def _next_document(
    actor: Actor, panel: Panel, objections_until: str, removals: tuple[Removal, ...]
) -> ResultDocument:
    """Return the next version. Raises Refused before the panel has finished."""
    outcome = await load_panel_outcome(actor.connection, panel)
    contest_id = 0 if panel.contest is None else panel.contest.id
    version = ResultVersion(
        number=len(await load_results(actor.connection, contest_id)) + 1,
        cut_sha256=await published_cut_sha256(actor.connection, contest_id, actor.now) or "",
        objections_until=objections_until,
        removals=removals,
    )
    return build_result(panel, outcome, version)


def _sha256(data: bytes) -> str:
    return sha256(data).hexdigest()


async def _load_newest(connection: AnyConnection, panel: Panel) -> Result | None:
    if panel.contest is None:
        return None
    results = await load_results(connection, panel.contest.id)
    return results[-1] if results else None


def _removals(newest: Result | None, removal: Removal | None) -> tuple[Removal, ...]:
    """Return earlier removals and the new one. Raises InvalidInput unless a correction, and only
    a correction, removes somebody and gives a reason."""
    if newest is None and removal is None:
        return ()
    if newest is None or removal is None:
        raise InvalidInput(Fault("removed", "nomination.awards.correction_removes_somebody"))
    document = newest.read()
    if not removal.numbers or any(document.find_award(n) is None for n in removal.numbers):
        raise InvalidInput(Fault("removed", "nomination.awards.choose_from_result"))
    for text in (removal.reason.zh, removal.reason.en):
        if not 1 <= len(text) <= MAX_REASON_CHARACTERS:
            raise InvalidInput(
                Fault("reason", "nomination.awards.reason_length", limit=MAX_REASON_CHARACTERS)
            )
    return (*document.left_out, removal)


async def _refuse_personal_data(
    connection: AnyConnection, panel: Panel, keys: PersonalKeys, removal: Removal
) -> None:
    """The reason is signed and published for good. Raises InvalidInput for personal data in it,
    also for data from the form of anybody who is removed."""
    reasons = {"reason_zh": removal.reason.zh, "reason_en": removal.reason.en}
    recommended = await load_recommended(connection, keys, panel)
    for number in removal.numbers:
        recommendation = recommended.get(number)
        form = None if recommendation is None else recommendation.form
        if faults := disclosures(reasons, form=form):
            raise InvalidInput(*faults)


async def approve_result(actor: Actor, keys: ResultKeys, panel: Panel, proposal_id: int) -> None:
    """Approve a result. It is computed again and must be the proposed one, byte for byte; it is
    published with its public notice in the same transaction.

    Raises NotFound, SecondPersonRequired, or Refused.
    """
    proposal = _find_proposal(panel, proposal_id)
    if panel.contest is None:
        raise Refused("nomination.awards.panel_not_finished")
    payload = proposal.payload
    document = await _next_document(
        actor,
        panel,
        payload["objections_until"],
        msgspec.convert(payload["left_out"], tuple[Removal, ...]),
    )
    signed = sign_document(document.builtins(), keys.signing)
    if _sha256(signed) != payload["document_sha256"]:
        raise Refused("nomination.awards.changed_since_proposal")
    stated = payload.get("visible_from")
    visible_from = None if stated is None else datetime.fromisoformat(stated)
    notice = await _notice(actor, keys.personal, panel, document, visible_from)
    recommended = await load_recommended(actor.connection, keys.personal, panel)
    numbered = {award.number for award in document.awarded}
    awarded = [
        recommendation.id for number, recommendation in recommended.items() if number in numbered
    ]
    result = NewResult(
        version=document.version,
        document=signed,
        approval_id=proposal.id,
        published_at=actor.now,
        visible_from=visible_from,
        objections_until=document.objections_end,
    )
    with domain_errors():
        async with actor.connection.transaction():
            await record_approval(actor, panel.selection, proposal)
            await insert_result(actor.connection, panel.contest.id, result)
            numbers = [award.number for award in document.awarded]
            await publish_notice(actor.connection, notice, numbers)
            message = RecommendationMessage(
                kind="result",
                recommendations=awarded,
                once=f"version {document.version}",
                due_at=visible_from,
            )
            await tell_officers(actor.connection, panel.selection, message, actor.now)
            await actor.record(
                "published",
                panel.selection.slug,
                f"result, version {document.version}",
                decision=proposal.id,
                document_sha256=payload["document_sha256"],
                visible_from=iso_utc(visible_from or actor.now),
            )


async def decline_result(actor: Actor, panel: Panel, proposal_id: int, reason: str) -> None:
    """Decline a result, or withdraw one's own proposal. Raises NotFound, Refused, or InvalidInput
    for a missing reason or personal data in it."""
    proposal = _find_proposal(panel, proposal_id)
    await reject(actor, panel.selection, proposal, reason)


def _find_proposal(panel: Panel, proposal_id: int) -> ApprovalRequest:
    proposal = find_approval(panel.decisions, proposal_id)
    if proposal.kind != "result":
        raise NotFound("nomination.awards.not_a_result_proposal")
    return proposal


async def _notice(
    actor: Actor,
    keys: PersonalKeys,
    panel: Panel,
    document: ResultDocument,
    visible_from: datetime | None,
) -> Notice:
    """Return the public notice of the result: names, employers, awards, and until when anybody
    may object."""
    recommended = await load_recommended(actor.connection, keys, panel)
    bodies = {body.id: body.name for body in await load_bodies(actor.connection)}
    rows = []
    for award in document.awarded:
        recommendation = recommended.get(award.number)
        kind = document.find_award(award.number) or "nominee"
        rows.append(
            NoticeRow(
                number=award.number,
                name=award.name.zh,
                trade=award.trade.zh,
                employer="" if recommendation is None else recommendation.form.employer,
                body=award.district if recommendation is None else bodies[recommendation.body_id],
                award=load_text("awards", f"public_notice.awards.{kind}"),
            )
        )
    rules = panel.selection.rules
    return Notice(
        slug=f"{panel.selection.slug}-result",
        kind="result",
        title=load_text("awards", "public_notice.title", selection=rules.title),
        rows=tuple(rows),
        visible_from=visible_from or actor.now,
        objections_until=datetime.fromisoformat(document.objections_until),
        how_to_object=rules.contact,
        time_zone=rules.time_zone,
    )
