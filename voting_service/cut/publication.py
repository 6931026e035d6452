"""⑪ From a closed contest to a published document, with two people.

Each act looks at everything afresh: it recounts the ballots, so that what is approved is what
the ballots say and not what somebody saw an hour ago.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.accounts.model import Account, require_role
from voting_service.contests.lots import plain_drawn
from voting_service.contests.model import Contest, Text
from voting_service.cut.document import moment
from voting_service.cut.examination import (
    QUERIES,
    Examination,
    Publication,
    examine,
    load_publications,
)
from voting_service.cut.ranking import Tie
from voting_service.cut.signature import sign
from voting_service.cut.tie_decisions import tie_subject
from voting_service.cut.tie_rule import check_order
from voting_service.decisions.model import DECIDERS, Decision, check_approver
from voting_service.decisions.store import (
    find_decision,
    load_decisions,
    propose,
    record_approval,
)
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.storage.postgres import AnyConnection, domain_errors

MAX_DELAY = timedelta(days=90)
MAX_REASON_CHARACTERS = 2000


class Shown(NamedTuple):
    """What the public sees at a moment, and from when on it will see something newer."""

    document: bytes
    version: int
    versions: tuple[int, ...]
    until: datetime | None


def shown_at(
    publications: Iterable[Publication], now: datetime, version: int | None = None
) -> Shown | None:
    """The newest version whose moment has come, or the older one that is asked for; None when
    nothing is shown yet. Raises NotFound for a version that is not."""
    known = tuple(publications)
    shown = [one for one in known if one.visible_at <= now]
    until = min((one.visible_at for one in known if one.visible_at > now), default=None)
    if version is None:
        if not shown:
            return None
        one = shown[-1]
    else:
        found = [each for each in shown if each.version == version]
        if not found:
            raise NotFound(f"version {version} of this cut has not been published")
        one = found[0]
    return Shown(one.document, one.version, tuple(each.version for each in shown), until)


async def load_shown(
    connection: AnyConnection, contest_id: int, now: datetime, version: int | None = None
) -> Shown | None:
    """`shown_at` of what is stored."""
    return shown_at(await load_publications(connection, contest_id), now, version)


def _undecided_tie(examination: Examination, rule: str) -> Tie:
    contest = examination.contest
    if contest.rules.cut.tie != rule:
        raise Refused(f"the tie rule of {contest.slug} is {contest.rules.cut.tie}, not {rule}")
    missing = [c.detail for c in examination.checks if not c.done and c.name != "tie decided"]
    if missing:
        raise Refused(
            "a tie is decided when the counts are final: " + "; ".join(text.en for text in missing),
            zh="票数确定之后才能决定并列名次：" + "；".join(text.zh for text in missing) + "。",
        )
    if examination.tie is None:
        raise Refused(
            "the last place is not tied; there is nothing to decide",
            zh="最后一个名额没有并列，无须决定。",
        )
    return examination.tie


async def propose_tie_order(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    order: tuple[int, ...],
    *,
    now: datetime,
) -> int:
    """The committee's order of the tied, best first; a second person approves it."""
    require_role(account, *DECIDERS)
    tie = _undecided_tie(await examine(connection, contest, now), "committee")
    check_order(order, tie)
    return await propose(
        connection,
        contest,
        account,
        kind="tie_order",
        subject=tie_subject(tie),
        payload={"order": list(order)},
        now=now,
    )


async def propose_lot(
    connection: AnyConnection, contest: Contest, account: Account, drawn: str, *, now: datetime
) -> int:
    """The number drawn in public; a second person approves it."""
    require_role(account, *DECIDERS)
    digits = plain_drawn(drawn)
    tie = _undecided_tie(await examine(connection, contest, now), "lot")
    return await propose(
        connection,
        contest,
        account,
        kind="lot",
        subject=tie_subject(tie),
        payload={"drawn": digits},
        now=now,
    )


def check_moment(
    visible_from: datetime | None, published: Publication | None, now: datetime
) -> None:
    """Raises InvalidInput for a moment that cannot be meant; None is at once."""
    if visible_from is not None and not now <= visible_from <= now + MAX_DELAY:
        raise InvalidInput(
            Fault(
                "visible_from",
                f"must lie within the {MAX_DELAY.days} days to come; leave it out to show the "
                "document as soon as it is approved",
                f"公布时间须在今后 {MAX_DELAY.days} 天之内；如要批准后立即公布，请选“批准后立即”。",
            )
        )
    if published is not None and (visible_from or now) < published.visible_at:
        raise InvalidInput(
            Fault(
                "visible_from",
                f"version {published.version} is shown from {moment(published.visible_at)}; "
                "what corrects it cannot be shown before",
                f"第 {published.version} 版自 {moment(published.visible_at)} 起公布，"
                "更正不能早于这一时间公布。",
            )
        )


def _check_reason(reason: Text | None) -> Text | None:
    if reason is None:
        return None
    trimmed = Text(zh=reason.zh.strip(), en=reason.en.strip())
    if max(len(trimmed.zh), len(trimmed.en)) > MAX_REASON_CHARACTERS:
        raise InvalidInput(
            Fault(
                "reason",
                f"at most {MAX_REASON_CHARACTERS} characters",
                f"更正原因最多 {MAX_REASON_CHARACTERS} 个字。",
            )
        )
    return trimmed


async def propose_publication(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    *,
    key: Ed25519PrivateKey,
    now: datetime,
    visible_from: datetime | None = None,
    reason: Text | None = None,
) -> int:
    """Proposes the document as the ballots give it now; a second person's approval publishes it,
    and the public sees it from `visible_from` on (None: at once). A correction needs a `reason`.

    Raises Refused with what is missing, or when exactly this is published already; InvalidInput.
    """
    require_role(account, *DECIDERS)
    reason = _check_reason(reason)
    examination = await examine(connection, contest, now)
    document = examination.next_document(reason)
    check_moment(visible_from, examination.published, now)
    payload: dict[str, Any] = {
        "version": document.version,
        "document_sha256": sha256(sign(document, key)).hexdigest(),
        "rulings": examination.rulings,
    }
    if visible_from is not None:
        payload["visible_from"] = moment(visible_from)
    if reason is not None:
        payload["reason"] = {"zh": reason.zh, "en": reason.en}
    return await propose(
        connection,
        contest,
        account,
        kind="publication",
        subject=str(document.version),
        payload=payload,
        now=now,
    )


async def approve(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    decision_id: int,
    *,
    key: Ed25519PrivateKey,
    now: datetime,
) -> Decision:
    """The second person's word about a tie or a publication. A publication is computed again by
    the approver first, must come out byte for byte as proposed, and is published in the same
    transaction.

    Raises SecondPersonRequired, NotFound or Refused.
    """
    decision = find_decision(await load_decisions(connection, contest.id), decision_id)
    check_approver(decision, account)
    if decision.kind in ("tie_order", "lot"):
        await record_approval(connection, contest, decision, account, now)
        return decision
    if decision.kind != "publication":
        raise Refused(f"decision {decision.id} is not about the cut")
    examination = await examine(connection, contest, now)
    reason = decision.payload.get("reason")
    document = sign(
        examination.next_document(None if reason is None else msgspec.convert(reason, Text)), key
    )
    if sha256(document).hexdigest() != decision.payload["document_sha256"] or (
        examination.rulings != decision.payload["rulings"]
    ):
        raise Refused(
            "the document has changed since it was proposed (counts, rulings, texts, a tie's "
            "decision or the signing key): propose it again",
            zh="提议之后文件已有变化（计票、裁定、文字、并列次序或签名密钥），请重新提议。",
        )
    await _publish(connection, contest, account, decision=decision, document=document, now=now)
    return decision


async def _publish(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    *,
    decision: Decision,
    document: bytes,
    now: datetime,
) -> None:
    """Approval, publication and both lines of the journal stand or fall together."""
    stated = decision.payload.get("visible_from")
    visible_from = None if stated is None else datetime.fromisoformat(stated)
    version = int(decision.subject)
    with domain_errors():
        async with connection.transaction():
            await record_approval(connection, contest, decision, account, now)
            await connection.execute(
                QUERIES["insert_publication"],
                contest.id,
                version,
                document,
                decision.id,
                now,
                visible_from,
            )
            await record(
                connection,
                account.name,
                "published",
                contest=contest.slug,
                subject=f"version {version}",
                details={
                    "decision": decision.id,
                    "document_sha256": decision.payload["document_sha256"],
                    "visible_from": moment(visible_from or now),
                },
            )
