"""What people do about a panel: invite experts, set rules, close a round, declare a conflict.

Every function opens its transaction and writes the audit log.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.nomination.declining import reject
from voting_service.nomination.model import REVIEWERS, Selection
from voting_service.nomination.panel.aggregation import PanelRules
from voting_service.nomination.panel.approval_kinds import PANEL
from voting_service.nomination.panel.candidates import (
    ExpertCandidateView,
    candidate_views,
    load_recommended,
)
from voting_service.nomination.panel.conflicts import (
    encrypt_reason,
    end_declared_conflict,
    find_conflicts,
    insert_declared_conflict,
    insert_detected_conflicts,
)
from voting_service.nomination.panel.model import SCORING, Panel
from voting_service.nomination.panel.repository import (
    QUERIES,
    load_panel,
)
from voting_service.nomination.panel.score_sheets import require_expert
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.repository import load_bodies
from voting_service.staff.accounts.invitations import invite
from voting_service.staff.accounts.model import require_role
from voting_service.staff.accounts.sessions import hash_token
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import find_approval
from voting_service.staff.approvals.service import propose, record_approval

MAX_EMPLOYER_CHARACTERS = 60


class NewExpert(msgspec.Struct, frozen=True):
    """Whom an invitation is for: employer, slug of the recommending body (empty for none), and a
    note with name and position."""

    employer: str
    body: str
    note: str


async def invite_expert(actor: Actor, selection: Selection, expert: NewExpert) -> str:
    """Create an invitation to the panel and return its token. Raises NotFound for an unknown body,
    InvalidInput without an employer, and as `accounts.invitations.invite`."""
    employer = expert.employer.strip()
    body = next((b for b in await load_bodies(actor.connection) if b.slug == expert.body), None)
    if expert.body and body is None:
        raise NotFound("nomination.panel.no_such_body")
    if not 2 <= len(employer) <= MAX_EMPLOYER_CHARACTERS or not employer.isprintable():
        raise InvalidInput(
            Fault("employer", "nomination.panel.employer_length", limit=MAX_EMPLOYER_CHARACTERS)
        )
    with domain_errors():
        async with actor.connection.transaction():
            token = await invite(actor.connection, actor.account, "expert", expert.note, actor.now)
            await actor.connection.execute(
                QUERIES["insert_expert_invitation"],
                hash_token(token),
                selection.id,
                employer,
                None if body is None else body.id,
            )
    return token


async def load_own_panel(actor: Actor, keys: PersonalKeys, selection: Selection) -> Panel:
    """Load the panel for the actor. For an expert, conflicts with employer or recommending body
    are detected and stored first. Raises Refused for an expert of another panel."""
    panel = await load_panel(actor.connection, selection, actor.now)
    if actor.account.role != "expert":
        return panel
    expert = require_expert(panel, actor.account.id)
    if SCORING in panel.ends or not panel.cut:
        return panel
    recommended = await load_recommended(actor.connection, keys, panel)
    conflicts = find_conflicts(expert, recommended)
    if set(conflicts) <= panel.excluded(expert.account_id):
        return panel
    await insert_detected_conflicts(actor.connection, expert, conflicts)
    return await load_panel(actor.connection, selection, actor.now)


async def view_candidate(
    actor: Actor, keys: PersonalKeys, panel: Panel, number: int
) -> ExpertCandidateView:
    """Load a candidate as experts see them; the view is recorded in the audit log. Raises
    NotFound."""
    async with actor.connection.transaction():
        recommended = await load_recommended(actor.connection, keys, panel, [number])
        views = [view for view in candidate_views(panel, recommended) if view.number == number]
        if not views:
            raise NotFound("nomination.panel.no_such_candidate")
        await actor.record("viewed", panel.selection.slug, f"panel, candidate {number}")
    return views[0]


class NewConflict(NamedTuple):
    """A conflict of interest with a candidate, declared in the session `token`."""

    token: str
    number: int
    reason: str


async def declare_conflict(
    actor: Actor, keys: PersonalKeys, panel: Panel, declared: NewConflict
) -> None:
    """Declare that the expert does not judge a candidate. Raises Refused, and InvalidInput for the
    reason."""
    require_expert(panel, actor.account.id)
    token, number, reason = declared
    if number not in panel.cut:
        raise Refused("nomination.panel.not_a_panel_candidate")
    encrypted = encrypt_reason(keys, actor.account.id, number, reason)
    async with actor.connection.transaction():
        await insert_declared_conflict(actor.connection, token, panel.selection, number, encrypted)
        await actor.record("conflict_declared", panel.selection.slug, f"panel, candidate {number}")


async def withdraw_conflict(actor: Actor, panel: Panel, token: str, number: int) -> None:
    """Let the expert of the session `token` judge a candidate again after a conflict that the
    expert declared. Raises Refused."""
    require_expert(panel, actor.account.id)
    async with actor.connection.transaction():
        await end_declared_conflict(actor.connection, token, panel.selection, number)
        await actor.record("conflict_withdrawn", panel.selection.slug, f"panel, candidate {number}")


class SubmittedSheet(NamedTuple):
    """The sheet that an expert submitted in a round."""

    round: int
    account_id: int


async def reopen_sheet(actor: Actor, panel: Panel, token: str, sheet: SubmittedSheet) -> None:
    """Make a submitted sheet a draft of its expert again, in the session `token` of the
    joint office or the chair. Raises NotFound for nobody of the panel, and Refused once the
    round is over and for a sheet that is not submitted."""
    expert = panel.expert(sheet.account_id)
    if expert is None:
        raise NotFound("nomination.panel.no_such_expert")
    async with actor.connection.transaction():
        with domain_errors():
            await actor.connection.execute(
                QUERIES["reopen_sheet"], token, panel.selection.id, sheet.round, sheet.account_id
            )
        await actor.record(
            "scores_reopened",
            panel.selection.slug,
            f"panel, round {sheet.round}",
            expert=expert.name,
        )


async def propose_rules(actor: Actor, panel: Panel, rules: PanelRules) -> int:
    """Propose rules and return the request's id. Raises WrongRole, and Refused once a sheet is
    saved or for a chair who is no expert of the panel."""
    require_role(actor.account, *REVIEWERS)
    if rules.chair is not None and panel.expert(rules.chair) is None:
        raise Refused("nomination.panel.chair_no_expert")
    if panel.sheets:
        raise Refused("nomination.panel.scoring_has_begun")
    approved = sum(
        approval.subject.startswith("rules/") and approval.state == "approved"
        for approval in panel.decisions
    )
    return await propose(
        actor,
        panel.selection,
        kind=PANEL,
        subject=f"rules/{approved + 1}",
        payload=msgspec.to_builtins(rules),
    )


async def propose_close(actor: Actor, panel: Panel, round_number: int) -> int:
    """Propose to close the open round without the experts who are missing, whom the request
    names; returns its id. Raises Refused for an expert who does not chair, and when the round is
    not open or too few have submitted."""
    if not panel.led_by(actor.account):
        raise Refused("nomination.panel.not_the_chair")
    if panel.open_round != round_number or panel.rules is None:
        raise Refused("nomination.panel.round_not_open")
    submitted = len(panel.submitted(SCORING))
    if submitted < panel.rules.minimum_experts:
        raise Refused(
            "nomination.panel.too_few_experts",
            submitted=submitted,
            minimum_experts=panel.rules.minimum_experts,
        )
    return await propose(
        actor,
        panel.selection,
        kind=PANEL,
        subject=f"close/{round_number}",
        payload={"round": round_number, "absent": panel.absent(round_number)},
    )


async def approve_proposal(actor: Actor, panel: Panel, proposal_id: int) -> None:
    """Approve a request about the panel. Raises NotFound, SecondPersonRequired, and Refused when
    other experts are missing now than when closing a round was proposed."""
    proposal = _find_proposal(panel, proposal_id)
    if proposal.subject.startswith("close/"):
        round_number = int(proposal.payload["round"])
        if proposal.payload["absent"] != panel.absent(round_number):
            raise Refused("nomination.panel.absent_experts_changed")
    await record_approval(actor, panel.selection, proposal)


async def decline_proposal(actor: Actor, panel: Panel, proposal_id: int, reason: str) -> None:
    """Decline a request about the panel, or withdraw one's own. Raises NotFound, Refused, or
    InvalidInput for a missing reason or personal data in it."""
    proposal = _find_proposal(panel, proposal_id)
    await reject(actor, panel.selection, proposal, reason)


def _find_proposal(panel: Panel, proposal_id: int) -> ApprovalRequest:
    proposal = find_approval(panel.decisions, proposal_id)
    if proposal.kind != "panel":
        raise NotFound("nomination.panel.not_a_panel_proposal")
    return proposal
