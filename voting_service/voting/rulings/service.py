"""Rulings: one person proposes to void or to count a hold, another approves.

The database computes the effect on the counts at the moment of approval
(migrations/schema/voting.sql), so this module alone cannot change them. A ruling is reversed by
another ruling, again with two people. The sites ask for a recent confirmation of identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from voting_service.contests.model import Contest
from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.i18n.catalogues import load_text
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.staff.actor import Actor
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


class RulingProposal(NamedTuple):
    """What to do with a hold, a code of `model.REASONS`, and what was found, for the record."""

    verdict: Verdict
    reason: str
    words: str


async def propose_rulings(
    actor: Actor, contest: Contest, hold_ids: Sequence[int], ruling: RulingProposal
) -> tuple[int, ...]:
    """Propose one ruling about each hold, for all or none; return the ids of the requests.

    Raises InvalidInput, NotFound, or Refused when a hold is already ruled so or the same is
    proposed.
    """
    words = ruling.words.strip()
    _check(ruling.verdict, ruling.reason, words)
    if not hold_ids:
        raise InvalidInput(Fault("holds", "voting.rulings.no_holds_given"))
    holds = {hold.id: hold for hold in await load_holds(actor.connection, contest)}
    made = []
    with domain_errors():
        async with actor.connection.transaction():
            for hold_id in sorted(set(hold_ids)):
                hold = holds.get(hold_id)
                if hold is None:
                    raise NotFound(
                        "voting.rulings.no_such_hold", slug=contest.slug, hold_id=hold_id
                    )
                _check_not_ruled(hold, ruling.verdict)
                approval_id = await propose(
                    actor,
                    contest,
                    kind=RULING,
                    subject=hold.subject,
                    payload={
                        "hold": hold.id,
                        "turn": hold.next_turn,
                        "ballots_hash": hold.ballots_hash,
                        "verdict": ruling.verdict,
                        "reason": ruling.reason,
                        "words": words,
                    },
                )
                made.append(approval_id)
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
    fitting = [code for code, listed in REASONS.items() if verdict in listed.verdicts]
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
            approval_id=hold.ruling.approval_id,
        )


async def approve_rulings(
    actor: Actor, contest: Contest, approval_ids: Iterable[int]
) -> tuple[ApprovalRequest, ...]:
    """Approve pending rulings, all or none; the counts change in the same transaction.

    Other proposals about the same turn are declined. Use a connection whose statements may take
    seconds. Raises SecondPersonRequired if a proposer approves, NotFound, or Refused, also when a
    hold was ruled on since the proposal.
    """
    decisions = await load_contest_approvals(actor.connection, contest.id)
    rulings = [_ruling(decisions, approval_id) for approval_id in sorted(set(approval_ids))]
    if not rulings:
        raise InvalidInput(Fault("decisions", "voting.rulings.no_proposals_given"))
    subjects = [decision.subject for decision in rulings]
    if len(set(subjects)) != len(subjects):
        raise InvalidInput(Fault("decisions", "voting.rulings.same_hold_twice"))
    for decision in rulings:
        check_approver(decision, actor.account)
    with domain_errors():
        async with actor.connection.transaction():
            for decision in rulings:
                await record_approval(actor, contest, decision)
            for rival in decisions:
                if _is_rival(rival, rulings):
                    reason = load_text("rulings", "rival_approved")
                    because = f"{reason.zh} / {reason.en}"
                    await decline(actor, contest, rival, because)
    return tuple(rulings)


def _ruling(decisions: Iterable[ApprovalRequest], approval_id: int) -> ApprovalRequest:
    decision = find_approval(decisions, approval_id)
    if decision.kind != "ruling":
        raise NotFound(
            "voting.rulings.not_a_ruling",
            approval_id=approval_id,
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
    actor: Actor, contest: Contest, approval_id: int, because: str
) -> ApprovalRequest:
    """Decline a proposed ruling, or withdraw one's own. Raises like `approvals.service.decline`,
    and NotFound for a request that is not a ruling."""
    decision = _ruling(await load_contest_approvals(actor.connection, contest.id), approval_id)
    return await decline(actor, contest, decision, because)
