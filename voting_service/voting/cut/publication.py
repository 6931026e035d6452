"""⑪ Publish the cut of a closed contest, with two people.

Every proposal and every approval recounts the ballots, so that the approved document is what the
ballots say at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.contests.model import Contest
from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.public_draw import plain_drawn
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Account, require_role
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import (
    DECIDERS,
    ApprovalRequest,
    check_approver,
)
from voting_service.staff.approvals.repository import find_approval, load_contest_approvals
from voting_service.staff.approvals.service import decline, propose, record_approval
from voting_service.staff.audit_log.service import record_export
from voting_service.voting.cut.approval_kinds import LOT, PUBLICATION, TIE_ORDER
from voting_service.voting.cut.document import moment
from voting_service.voting.cut.examination import (
    QUERIES,
    Examination,
    Publication,
    examine,
    load_publications,
)
from voting_service.voting.cut.ranking import Tie
from voting_service.voting.cut.signature import sign
from voting_service.voting.cut.tie_decisions import tie_subject
from voting_service.voting.cut.tie_rule import check_order

CUT_KINDS = frozenset(kind.name for kind in (TIE_ORDER, LOT, PUBLICATION))
MAX_DELAY = timedelta(days=90)
MAX_REASON_CHARACTERS = 2000


class ShownCut(NamedTuple):
    """The version that is public at a moment, and when a newer one becomes public."""

    document: bytes
    version: int
    versions: tuple[int, ...]
    until: datetime | None


def cut_shown_at(
    publications: Iterable[Publication], now: datetime, version: int | None = None
) -> ShownCut | None:
    """Return the newest public version, or the requested older one; None before the first.

    Raises NotFound for a version that is not public.
    """
    all_versions = tuple(publications)
    public = {p.version: p for p in all_versions if p.visible_at <= now}
    until = min((p.visible_at for p in all_versions if p.visible_at > now), default=None)
    if version is None:
        if not public:
            return None
        version = max(public)
    elif version not in public:
        raise NotFound("voting.cut.version_not_published", version=version)
    return ShownCut(public[version].document, version, tuple(public), until)


async def load_shown_cut(
    connection: AnyConnection, contest_id: int, now: datetime, version: int | None = None
) -> ShownCut | None:
    """Load the stored versions and return `cut_shown_at`."""
    return cut_shown_at(await load_publications(connection, contest_id), now, version)


def _undecided_tie(examination: Examination, rule: str) -> Tie:
    contest = examination.contest
    if contest.rules.cut.tie != rule:
        raise Refused(
            "voting.cut.other_tie_rule", slug=contest.slug, tie=contest.rules.cut.tie, rule=rule
        )
    missing = [c.detail for c in examination.checks if not c.done and c.name != "tie decided"]
    if missing:
        raise Refused(
            "voting.cut.counts_not_final",
            en_missing="; ".join(text.en for text in missing),
            zh_missing="；".join(text.zh for text in missing),
        )
    if examination.tie is None:
        raise Refused("voting.cut.no_tie")
    return examination.tie


async def propose_tie_order(actor: Actor, contest: Contest, order: tuple[int, ...]) -> int:
    """Propose the committee's order of the tied candidates, best first; return the request's id."""
    require_role(actor.account, *DECIDERS)
    tie = _undecided_tie(await examine(actor.connection, contest, actor.now), "committee")
    check_order(order, tie)
    return await propose(
        actor, contest, kind=TIE_ORDER, subject=tie_subject(tie), payload={"order": list(order)}
    )


async def propose_lot(actor: Actor, contest: Contest, drawn: str) -> int:
    """Propose the number drawn in public. Returns the id of the approval request."""
    require_role(actor.account, *DECIDERS)
    digits = plain_drawn(drawn)
    tie = _undecided_tie(await examine(actor.connection, contest, actor.now), "lot")
    return await propose(
        actor, contest, kind=LOT, subject=tie_subject(tie), payload={"drawn": digits}
    )


def check_publication_time(
    visible_from: datetime | None, published: Publication | None, now: datetime
) -> None:
    """Check when a version becomes public; None means on approval. Raises InvalidInput."""
    if visible_from is not None and not now <= visible_from <= now + MAX_DELAY:
        raise InvalidInput(
            Fault("visible_from", "voting.cut.moment_out_of_range", days=MAX_DELAY.days)
        )
    if published is not None and (visible_from or now) < published.visible_at:
        raise InvalidInput(
            Fault(
                "visible_from",
                "voting.cut.shown_too_early",
                version=published.version,
                visible_at=moment(published.visible_at),
            )
        )


def _check_reason(reason: Text | None) -> Text | None:
    if reason is None:
        return None
    trimmed = Text(zh=reason.zh.strip(), en=reason.en.strip())
    if max(len(trimmed.zh), len(trimmed.en)) > MAX_REASON_CHARACTERS:
        raise InvalidInput(
            Fault(
                "reason", "voting.cut.reason_too_long", max_reason_characters=MAX_REASON_CHARACTERS
            )
        )
    return trimmed


async def propose_publication(
    actor: Actor,
    contest: Contest,
    *,
    key: Ed25519PrivateKey,
    visible_from: datetime | None = None,
    reason: Text | None = None,
) -> int:
    """Propose the document from a recount. Returns the id of the approval request.

    Approval by a second person publishes it; it is public from `visible_from` (None: at once). A
    correction needs a `reason`. Raises InvalidInput, and Refused with what is missing or when
    nothing has changed.
    """
    require_role(actor.account, *DECIDERS)
    reason = _check_reason(reason)
    examination = await examine(actor.connection, contest, actor.now)
    document = examination.next_document(reason)
    check_publication_time(visible_from, examination.published, actor.now)
    payload: dict[str, Any] = {
        "version": document.version,
        "document_sha256": sha256(sign(document, key)).hexdigest(),
        "rulings": examination.rulings,
    }
    if contest.withdrawals:
        payload["withdrawals"] = len(contest.withdrawals)
    if visible_from is not None:
        payload["visible_from"] = moment(visible_from)
    if reason is not None:
        payload["reason"] = {"zh": reason.zh, "en": reason.en}
    return await propose(
        actor, contest, kind=PUBLICATION, subject=str(document.version), payload=payload
    )


async def export_version(
    connection: AnyConnection, contest: Contest, account: Account, version: int, form: str
) -> Publication:
    """Return a version of the cut, visible to the public or not, and record who exported it, and
    in which form. Raises NotFound."""
    with domain_errors():
        async with connection.transaction():
            for publication in await load_publications(connection, contest.id):
                if publication.version == version:
                    digest = sha256(publication.document).hexdigest()
                    await record_export(
                        connection,
                        account.name,
                        contest.slug,
                        f"version {version}, {form}",
                        {"document_sha256": digest},
                    )
                    return publication
    raise NotFound("voting.cut.version_not_published", version=version)


async def decline_cut_request(
    actor: Actor, contest: Contest, request_id: int, because: str
) -> ApprovalRequest:
    """Decline a request about a tie or a publication, or withdraw one's own. Raises NotFound for
    any other request, and as `approvals.service.decline`."""
    request = find_approval(await load_contest_approvals(actor.connection, contest.id), request_id)
    if request.kind not in CUT_KINDS:
        raise NotFound("voting.cut.not_a_cut_request", id=request_id)
    return await decline(actor, contest, request, because)


async def approve(
    actor: Actor, contest: Contest, approval_id: int, *, key: Ed25519PrivateKey
) -> ApprovalRequest:
    """Approve a pending tie decision or publication.

    A publication is recomputed first, must equal the proposal byte for byte, and is published in
    the same transaction. Raises SecondPersonRequired if the proposer approves, NotFound, Refused.
    """
    decision = find_approval(
        await load_contest_approvals(actor.connection, contest.id), approval_id
    )
    check_approver(decision, actor.account)
    if decision.kind in ("tie_order", "lot"):
        await record_approval(actor, contest, decision)
        return decision
    if decision.kind != "publication":
        raise Refused("voting.cut.not_a_cut_request", id=decision.id)
    examination = await examine(actor.connection, contest, actor.now)
    reason = decision.payload.get("reason")
    document = sign(
        examination.next_document(None if reason is None else msgspec.convert(reason, Text)), key
    )
    if sha256(document).hexdigest() != decision.payload["document_sha256"] or (
        examination.rulings != decision.payload["rulings"]
    ):
        raise Refused("voting.cut.document_changed")
    await _publish(actor, contest, decision=decision, document=document)
    return decision


async def _publish(
    actor: Actor, contest: Contest, decision: ApprovalRequest, document: bytes
) -> None:
    """Record approval, publication and both audit log entries in one transaction."""
    stated = decision.payload.get("visible_from")
    visible_from = None if stated is None else datetime.fromisoformat(stated)
    version = int(decision.subject)
    with domain_errors():
        async with actor.connection.transaction():
            # First, so that it waits for a change of a candidate without holding the audit log.
            revision = await actor.connection.fetchval(QUERIES["lock_contest"], contest.id)
            if revision != contest.revision:
                raise Refused("voting.cut.document_changed")
            await record_approval(actor, contest, decision)
            await actor.connection.execute(
                QUERIES["insert_publication"],
                contest.id,
                version,
                document,
                decision.id,
                actor.now,
                visible_from,
            )
            await actor.record(
                "published",
                contest.slug,
                f"version {version}",
                decision=decision.id,
                document_sha256=decision.payload["document_sha256"],
                visible_from=moment(visible_from or actor.now),
            )
