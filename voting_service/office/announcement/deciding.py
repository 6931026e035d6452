"""From the panel's order to a published result, with two people."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.accounts.model import Account
from voting_service.contests.awards import (
    LeftOut,
    Result,
    ResultDocument,
    load_results,
    publish_result,
)
from voting_service.contests.model import Text
from voting_service.contests.notices import Notice, NoticeRow, publish_notice
from voting_service.contests.published_cut import published_cut_sha256
from voting_service.decisions.model import Decision
from voting_service.decisions.store import propose, record_approval
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.journal.record import record
from voting_service.office.announcement.document import moment, objections_end, result_document
from voting_service.office.disclosure import disclosures
from voting_service.office.panel.candidates import load_recommended
from voting_service.office.panel.model import Panel
from voting_service.office.panel.outcome import load_outcome
from voting_service.office.sealing import PersonalKeys
from voting_service.office.store import load_bodies
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.signed_file import sign_document

MAX_DELAY = timedelta(days=90)
MAX_REASON_CHARACTERS = 500
AWARD_NAMES = {"winner": Text("当选", "Winner"), "nominee": Text("提名", "Nominee")}


async def next_document(
    connection: AnyConnection,
    panel: Panel,
    *,
    now: datetime,
    objections_until: str,
    left_out: tuple[LeftOut, ...] = (),
) -> ResultDocument:
    """What the next version says. Raises Refused while the panel has not finished."""
    outcome = await load_outcome(connection, panel)
    contest_id = 0 if panel.contest is None else panel.contest.id
    return result_document(
        panel,
        outcome,
        version=len(await load_results(connection, contest_id)) + 1,
        cut_sha256=await published_cut_sha256(connection, contest_id, now) or "",
        objections_until=objections_until,
        left_out=left_out,
    )


async def propose_result(
    connection: AnyConnection,
    panel: Panel,
    account: Account,
    *,
    key: Ed25519PrivateKey,
    keys: PersonalKeys,
    now: datetime,
    visible_from: datetime | None = None,
    removed: LeftOut | None = None,
) -> int:
    """Proposes the ten and ten as the sheets give them now; a second person's approval publishes
    them, and citizens see them from `visible_from` on (None: at once). A correction says who is
    `removed`, and why.

    Raises Refused while the panel has not finished, or InvalidInput.
    """
    if visible_from is not None and not now <= visible_from <= now + MAX_DELAY:
        raise InvalidInput(
            Fault(
                "visible_from",
                f"must lie within the {MAX_DELAY.days} days to come",
                f"公布时间须在今后 {MAX_DELAY.days} 天之内。",
            )
        )
    before = await _published(connection, panel)
    left_out = _left_out(before, removed)
    if removed is not None:
        await _check_discloses_nothing(connection, panel, keys, removed)
    until = moment(objections_end(panel, visible_from or now))
    document = await next_document(
        connection, panel, now=now, objections_until=until, left_out=left_out
    )
    payload: dict[str, Any] = {
        "winners": [one.number for one in document.winners],
        "nominees": [one.number for one in document.nominees],
        "left_out": [msgspec.to_builtins(one) for one in left_out],
        "objections_until": until,
        "document_sha256": sha256(sign_document(document.builtins(), key)).hexdigest(),
    }
    if visible_from is not None:
        payload["visible_from"] = moment(visible_from)
    return await propose(
        connection,
        panel.selection,
        account,
        kind="result",
        subject=str(document.version),
        payload=payload,
        now=now,
    )


async def _published(connection: AnyConnection, panel: Panel) -> Result | None:
    if panel.contest is None:
        return None
    results = await load_results(connection, panel.contest.id)
    return results[-1] if results else None


def _left_out(before: Result | None, removed: LeftOut | None) -> tuple[LeftOut, ...]:
    """Whoever was taken out before stays out. Raises InvalidInput unless exactly a correction
    says who and why."""
    if before is None and removed is None:
        return ()
    if before is None or removed is None:
        raise InvalidInput(
            Fault("removed", "a correction says who is taken out", "更正须注明取消哪些人员。")
        )
    document = before.read()
    if not removed.numbers or any(document.award_of(n) is None for n in removed.numbers):
        raise InvalidInput(
            Fault(
                "removed",
                "choose at least one of those whom the result names",
                "请从结果名单中选择要取消的人员。",
            )
        )
    for text in (removed.reason.zh, removed.reason.en):
        if not 1 <= len(text) <= MAX_REASON_CHARACTERS:
            raise InvalidInput(
                Fault(
                    "reason",
                    f"say why in both languages, up to {MAX_REASON_CHARACTERS} characters",
                    f"请用中英文说明原因，最多 {MAX_REASON_CHARACTERS} 个字。",
                )
            )
    return (*document.left_out, removed)


async def _check_discloses_nothing(
    connection: AnyConnection, panel: Panel, keys: PersonalKeys, removed: LeftOut
) -> None:
    """The reason is published, signed, for good. Raises InvalidInput for anything personal in it,
    of anybody or from the form of one of those who are taken out."""
    reasons = {"reason_zh": removed.reason.zh, "reason_en": removed.reason.en}
    recommended = await load_recommended(connection, keys, panel)
    for number in removed.numbers:
        known = recommended.get(number)
        if faults := disclosures(reasons, known=None if known is None else known.form):
            raise InvalidInput(*faults)


async def approve_result(
    connection: AnyConnection,
    panel: Panel,
    account: Account,
    decision: Decision,
    *,
    key: Ed25519PrivateKey,
    keys: PersonalKeys,
    now: datetime,
) -> None:
    """The second person's word: the document is computed again, must come out byte for byte as
    proposed, and is published with its public notice in the same transaction."""
    if decision.kind != "result" or panel.contest is None:
        raise Refused(f"decision {decision.id} is not about the result", zh="该决定与结果无关。")
    payload = decision.payload
    document = await next_document(
        connection,
        panel,
        now=now,
        objections_until=payload["objections_until"],
        left_out=msgspec.convert(payload["left_out"], tuple[LeftOut, ...]),
    )
    signed = sign_document(document.builtins(), key)
    if sha256(signed).hexdigest() != payload["document_sha256"]:
        raise Refused(
            "the result has changed since it was proposed (cut, texts, version or signing key): "
            "propose it again",
            zh="提议之后结果文件已有变化（入围名单、文字、版本或签名密钥），请重新提议。",
        )
    stated = payload.get("visible_from")
    visible_from = None if stated is None else datetime.fromisoformat(stated)
    notice = await _notice(connection, panel, document, keys, visible_from or now)
    with domain_errors():
        async with connection.transaction():
            await record_approval(connection, panel.selection, decision, account, now)
            await publish_result(
                connection,
                panel.contest.id,
                version=document.version,
                document=signed,
                decision_id=decision.id,
                now=now,
                visible_from=visible_from,
            )
            await publish_notice(connection, notice, [one.number for one in document.awarded])
            await record(
                connection,
                account.name,
                "published",
                contest=panel.selection.slug,
                subject=f"result, version {document.version}",
                details={
                    "decision": decision.id,
                    "document_sha256": payload["document_sha256"],
                    "visible_from": moment(visible_from or now),
                },
            )


async def _notice(
    connection: AnyConnection,
    panel: Panel,
    document: ResultDocument,
    keys: PersonalKeys,
    shown_from: datetime,
) -> Notice:
    """The public notice of the result: who, from where, for what, and until when anybody may
    object."""
    recommended = await load_recommended(connection, keys, panel)
    bodies = {body.id: body.name for body in await load_bodies(connection)}
    rows = []
    for one in document.awarded:
        found = recommended.get(one.number)
        rows.append(
            NoticeRow(
                number=one.number,
                name=one.name.zh,
                trade=one.trade.zh,
                employer="" if found is None else found.form.employer,
                body=one.district if found is None else bodies[found.body_id],
                award=AWARD_NAMES[document.award_of(one.number) or "nominee"],
            )
        )
    rules = panel.selection.rules
    return Notice(
        slug=f"{panel.selection.slug}-result",
        kind="result",
        title=Text(f"{rules.title.zh}评选结果公示", f"{rules.title.en}: result"),
        rows=tuple(rows),
        visible_from=shown_from,
        objections_until=datetime.fromisoformat(document.objections_until),
        how_to_object=rules.contact,
        time_zone=rules.time_zone,
    )
