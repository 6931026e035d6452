"""Rulings: one person proposes to void or to count a hold, another approves.

The database computes the effect on the counts at the moment of approval
(migrations/schema/voting.sql), so this module alone cannot change them. A ruling is reversed by
another ruling, again with two people. The sites ask for a recent confirmation of identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from voting_service.contests.model import Contest
from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Account
from voting_service.staff.approvals.model import ApprovalRequest, check_approver
from voting_service.staff.approvals.repository import find_approval, load_contest_approvals
from voting_service.staff.approvals.service import (
    MAX_REASON_CHARACTERS,
    decline,
    propose,
    record_approval,
)
from voting_service.voting.rulings.approval_kinds import RULING
from voting_service.voting.rulings.model import (
    REASONS,
    VERDICTS,
    Hold,
    Verdict,
)
from voting_service.voting.rulings.repository import load_holds


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
    """Propose one ruling about each hold, for all or none; return the ids of the requests.

    Raises InvalidInput, NotFound, or Refused when a hold is already ruled so or the same is
    proposed.
    """
    words = words.strip()
    _check(verdict, reason, words)
    if not hold_ids:
        raise InvalidInput(Fault("holds", "voting.rulings.no_holds_given"))
    holds = {hold.id: hold for hold in await load_holds(connection, contest)}
    made = []
    with domain_errors():
        async with connection.transaction():
            for hold_id in sorted(set(hold_ids)):
                hold = holds.get(hold_id)
                if hold is None:
                    raise NotFound(
                        "voting.rulings.no_such_hold", slug=contest.slug, hold_id=hold_id
                    )
                _check_not_ruled(hold, verdict)
                decision_id = await propose(
                    connection,
                    contest,
                    account,
                    kind=RULING,
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
        faults.append(
            Fault(
                "verdict",
                "voting.rulings.unknown_verdict",
                verdicts=", ".join(VERDICTS),
            )
        )
    fitting = [code for code, known in REASONS.items() if verdict in known.verdicts]
    if reason not in fitting:
        faults.append(
            Fault("reason", "voting.rulings.unknown_reason", value=", ".join(fitting or REASONS))
        )
    if not 1 <= len(words) <= MAX_REASON_CHARACTERS:
        faults.append(
            Fault(
                "words",
                "voting.rulings.words_length",
                max_reason_characters=MAX_REASON_CHARACTERS,
            )
        )
    if faults:
        raise InvalidInput(*faults)


def _check_not_ruled(hold: Hold, verdict: Verdict) -> None:
    if hold.ruling is not None and hold.ruling.verdict == verdict:
        raise Refused(
            "voting.rulings.already_ruled",
            id=hold.id,
            verdict=verdict,
            decision_id=hold.ruling.decision_id,
        )


async def approve_rulings(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    decision_ids: Iterable[int],
    *,
    now: datetime,
) -> tuple[ApprovalRequest, ...]:
    """Approve pending rulings, all or none; the counts change in the same transaction.

    Other proposals about the same turn are declined. Use a connection whose statements may take
    seconds. Raises SecondPersonRequired if a proposer approves, NotFound, or Refused, also when a
    hold was ruled on since the proposal.
    """
    decisions = await load_contest_approvals(connection, contest.id)
    rulings = [_ruling(decisions, decision_id) for decision_id in sorted(set(decision_ids))]
    if not rulings:
        raise InvalidInput(Fault("decisions", "voting.rulings.no_proposals_given"))
    subjects = [decision.subject for decision in rulings]
    if len(set(subjects)) != len(subjects):
        raise InvalidInput(Fault("decisions", "voting.rulings.same_hold_twice"))
    for decision in rulings:
        check_approver(decision, account)
    with domain_errors():
        async with connection.transaction():
            for decision in rulings:
                await record_approval(connection, contest, decision, account, now)
            for rival in decisions:
                if _is_rival(rival, rulings):
                    because = "another ruling about the hold was approved"
                    await decline(connection, contest, account, rival, because, now=now)
    return tuple(rulings)


def _ruling(decisions: Iterable[ApprovalRequest], decision_id: int) -> ApprovalRequest:
    decision = find_approval(decisions, decision_id)
    if decision.kind != "ruling":
        raise NotFound(
            "voting.rulings.not_a_ruling",
            decision_id=decision_id,
            decision=decision.describe("en"),
        )
    return decision


def _is_rival(decision: ApprovalRequest, approved: Sequence[ApprovalRequest]) -> bool:
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
) -> ApprovalRequest:
    """Decline a proposed ruling, or withdraw one's own. Raises like `approvals.service.decline`,
    and NotFound for a request that is not a ruling."""
    decision = _ruling(await load_contest_approvals(connection, contest.id), decision_id)
    return await decline(connection, contest, account, decision, because, now=now)
