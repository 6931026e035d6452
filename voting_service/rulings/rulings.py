"""Rulings: one person proposes to void or to count what is on hold, another approves.

The effect on the counts is worked out by the database in the moment of the approval
(migrations/sql/0006_rulings.sql), so nothing here could bring it about alone. A ruling is
reversed by ruling otherwise, again by two people. Step-up is for the faces to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from voting_service.accounts.model import Account
from voting_service.contests.model import Contest
from voting_service.decisions.model import Decision, check_approver
from voting_service.decisions.store import (
    MAX_REASON_CHARACTERS,
    decline,
    find_decision,
    load_decisions,
    propose,
    record_approval,
)
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.rulings.holds import load_holds
from voting_service.rulings.model import REASONS, VERDICTS, Hold, Verdict
from voting_service.storage.postgres import AnyConnection, domain_errors


async def propose_rulings(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    hold_ids: Sequence[int],
    *,
    verdict: Verdict,
    reason: str,
    words: str,
    now: datetime,
) -> tuple[int, ...]:
    """Proposes one ruling about each of the holds, for all or for none; the decisions' ids.

    Raises InvalidInput, NotFound, or Refused when a hold is ruled so already or the same waits.
    """
    words = words.strip()
    _check(verdict, reason, words)
    if not hold_ids:
        raise InvalidInput(Fault("holds", "name at least one hold", "请至少选择一组存疑选票。"))
    holds = {hold.id: hold for hold in await load_holds(connection, contest)}
    made = []
    with domain_errors():
        async with connection.transaction():
            for hold_id in sorted(set(hold_ids)):
                hold = holds.get(hold_id)
                if hold is None:
                    raise NotFound(
                        f"{contest.slug} has no hold {hold_id}; see `hold list {contest.slug}`"
                    )
                _refuse_what_stands(hold, verdict)
                decision_id = await propose(
                    connection,
                    contest,
                    account,
                    kind="ruling",
                    subject=hold.subject,
                    payload={
                        "hold": hold.id,
                        "turn": hold.next_turn,
                        "ballots_hash": hold.ballots_hash,
                        "verdict": verdict,
                        "reason": reason,
                        "words": words,
                    },
                    now=now,
                )
                made.append(decision_id)
    return tuple(made)


def _check(verdict: Verdict, reason: str, words: str) -> None:
    faults = []
    if verdict not in VERDICTS:
        faults.append(Fault("verdict", f"must be one of {', '.join(VERDICTS)}"))
    fitting = [code for code, known in REASONS.items() if verdict in known.verdicts]
    if reason not in fitting:
        faults.append(Fault("reason", f"must be one of {', '.join(fitting or REASONS)}"))
    if not 1 <= len(words) <= MAX_REASON_CHARACTERS:
        faults.append(
            Fault(
                "words",
                f"say what was found, in 1 to {MAX_REASON_CHARACTERS} characters",
                f"请写明核查情况，1 至 {MAX_REASON_CHARACTERS} 个字。",
            )
        )
    if faults:
        raise InvalidInput(*faults)


def _refuse_what_stands(hold: Hold, verdict: Verdict) -> None:
    if hold.ruling is not None and hold.ruling.verdict == verdict:
        raise Refused(
            f"hold {hold.id} is ruled so already ({verdict}), by decision "
            f"{hold.ruling.decision_id}; only the other verdict changes anything",
            zh=f"存疑组 {hold.id} 已经这样裁定（决定 {hold.ruling.decision_id}）。"
            "只有提议相反的裁定才会有变化。",
        )


async def approve_rulings(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    decision_ids: Iterable[int],
    *,
    now: datetime,
) -> tuple[Decision, ...]:
    """The second person's word on one or many proposals, for all or for none; the counts follow
    in the same transaction. Other proposals about the same turn are declined with it.

    Use a connection whose statements may take seconds. Raises SecondPersonRequired, NotFound,
    or Refused, also when a hold was ruled on since it was proposed.
    """
    decisions = await load_decisions(connection, contest.id)
    wanted = [_ruling(decisions, decision_id) for decision_id in sorted(set(decision_ids))]
    if not wanted:
        raise InvalidInput(Fault("decisions", "name at least one proposal", "请至少选择一项提议。"))
    subjects = [decision.subject for decision in wanted]
    if len(set(subjects)) != len(subjects):
        raise InvalidInput(
            Fault(
                "decisions",
                "two of these are about the same hold: choose one",
                "选中的提议里有两项针对同一组存疑选票，请只选一项。",
            )
        )
    for decision in wanted:
        check_approver(decision, account)
    with domain_errors():
        async with connection.transaction():
            for decision in wanted:
                await record_approval(connection, contest, decision, account, now)
            for rival in decisions:
                if _is_rival(rival, wanted):
                    because = "another ruling about the hold was approved"
                    await decline(connection, contest, account, rival, because, now=now)
    return tuple(wanted)


def _ruling(decisions: Iterable[Decision], decision_id: int) -> Decision:
    decision = find_decision(decisions, decision_id)
    if decision.kind != "ruling":
        raise NotFound(f"decision {decision_id} is no ruling: it is to {decision}")
    return decision


def _is_rival(decision: Decision, approved: Sequence[Decision]) -> bool:
    return (
        decision.kind == "ruling"
        and decision.state == "waiting"
        and any(decision.subject == a.subject and decision.id != a.id for a in approved)
    )


async def decline_ruling(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    decision_id: int,
    because: str,
    *,
    now: datetime,
) -> Decision:
    """Turns a proposal down, or withdraws one's own. Raises as `decisions.store.decline`, and
    NotFound for a decision that is no ruling."""
    decision = _ruling(await load_decisions(connection, contest.id), decision_id)
    return await decline(connection, contest, account, decision, because, now=now)
