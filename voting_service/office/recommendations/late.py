"""Late exceptions: what the joint office permits one recommendation in spite of the deadline, by
two people and with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from voting_service.accounts.model import Account
from voting_service.decisions.model import Decision
from voting_service.decisions.store import (
    find_decision,
    load_selection_decisions,
    propose,
    record_approval,
)
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.office.characters import count_characters
from voting_service.office.declining import turn_down
from voting_service.office.disclosure import disclosures
from voting_service.office.model import Selection, State
from voting_service.office.recommendations.store import QUERIES
from voting_service.storage.postgres import AnyConnection, domain_errors

MAX_REASON_CHARACTERS = 500
LONGEST = timedelta(days=30)
"""After the deadline: what is later needs another selection."""


class Candidate(NamedTuple):
    """A recommendation that may still be submitted; nothing of what is in it."""

    id: int
    body_id: int
    state: State
    saved_at: datetime


async def load_unsubmitted(
    connection: AnyConnection, selection: Selection
) -> tuple[Candidate, ...]:
    """Drafts and returned ones of every body."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["unsubmitted"], selection.id)
    return tuple(Candidate(*row) for row in rows)


async def load_exceptions(connection: AnyConnection, selection: Selection) -> tuple[Decision, ...]:
    """Every late exception of a selection, the newest first."""
    decisions = await load_selection_decisions(connection, selection.id)
    return tuple(each for each in reversed(decisions) if each.kind == "late_submission")


async def propose_exception(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    *,
    recommendation_id: int,
    until: datetime,
    reason: str,
    now: datetime,
) -> int:
    """The decision that somebody else is to approve. The reason stands in the journal, so it must
    not say who is recommended.

    Raises InvalidInput, Refused once the selection was made or for what is proposed just so,
    WrongRole.
    """
    reason = reason.strip()
    faults = [*_wrong_until(selection, until, now), *_wrong_reason(reason)]
    found = [
        each
        for each in await load_unsubmitted(connection, selection)
        if each.id == recommendation_id
    ]
    if not found:
        faults.append(
            Fault(
                "recommendation",
                "choose a draft, or what was returned",
                "请选择一份草稿或被退回的推荐。",
            )
        )
    if faults:
        raise InvalidInput(*faults)
    decisions = await load_selection_decisions(connection, selection.id)
    _refuse_after_picks(decisions)
    earlier = [
        each
        for each in decisions
        if each.kind == "late_submission" and each.payload["recommendation"] == recommendation_id
    ]
    if any(each.state == "waiting" for each in earlier):
        raise Refused(
            "an exception for this recommendation waits for approval already",
            zh="这份推荐已有待批准的补报申请。",
        )
    turn = 1 + sum(each.state == "approved" for each in earlier)
    return await propose(
        connection, selection, account, kind="late_submission",
        subject=f"{recommendation_id}/{turn}",
        payload={
            "recommendation": recommendation_id, "until": until.isoformat(), "reason": reason,
        },
        now=now,
    )  # fmt: skip


def _wrong_until(selection: Selection, until: datetime, now: datetime) -> list[Fault]:
    if until <= max(now, selection.closes_at):
        return [
            Fault("until", "must be after the deadline and after now", "须晚于截止时间和当前时间。")
        ]
    if until > max(now, selection.closes_at) + LONGEST:
        return [
            Fault(
                "until",
                f"must be within {LONGEST.days} days",
                f"最多允许推迟{LONGEST.days}天。",
            )
        ]
    return []


def _wrong_reason(reason: str) -> list[Fault]:
    if not 1 <= count_characters(reason) <= MAX_REASON_CHARACTERS:
        return [
            Fault(
                "reason",
                f"say why, in 1 to {MAX_REASON_CHARACTERS} characters",
                f"请写明理由，1 至 {MAX_REASON_CHARACTERS} 个字。",
            )
        ]
    return list(disclosures({"reason": reason}))


async def approve_exception(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    decision_id: int,
    *,
    now: datetime,
) -> None:
    """The second person's word; the officers can submit from this moment on. Raises
    SecondPersonRequired, Refused when it was decided, its time has passed or the selection was
    made, NotFound."""
    decisions = await load_selection_decisions(connection, selection.id)
    decision = _find(decisions, decision_id)
    _refuse_after_picks(decisions)
    if datetime.fromisoformat(decision.payload["until"]) <= now:
        raise Refused(
            "the time it would permit has passed; decline it, and propose a later one",
            zh="允许补报的时间已过，请否决后重新提议。",
        )
    await record_approval(connection, selection, decision, account, now)


async def decline_exception(
    connection: AnyConnection,
    selection: Selection,
    account: Account,
    decision_id: int,
    *,
    because: str,
    now: datetime,
) -> None:
    """Turns a proposal down, or takes one's own back. The reason stands in the
    journal. Raises as `decisions.store.decline`, and InvalidInput for personal data."""
    decision = _find(await load_selection_decisions(connection, selection.id), decision_id)
    await turn_down(connection, selection, account, decision, because, now=now)


def _refuse_after_picks(decisions: Sequence[Decision]) -> None:
    if any(each.kind == "picks" and each.state == "approved" for each in decisions):
        raise Refused(
            "the selection has been made; nothing that comes late can be chosen any more",
            zh="人选已经确定，不能再批准补报。",
        )


def _find(decisions: Sequence[Decision], decision_id: int) -> Decision:
    decision = find_decision(decisions, decision_id)
    if decision.kind != "late_submission":
        raise NotFound(
            f"decision {decision_id} is about something else than a late submission",
            zh="没有这项补报申请。",
        )
    return decision
