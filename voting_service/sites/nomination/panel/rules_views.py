"""The rules of the panel, and the approvals about it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.nomination.model import REVIEWERS
from voting_service.nomination.panel.rules import MAX_CRITERIA, read_rules, suggested_rules
from voting_service.nomination.panel.service import (
    SubmittedSheet,
    approve_proposal,
    decline_proposal,
    propose_close,
    propose_rules,
    reopen_sheet,
)
from voting_service.sites.nomination.panel.context import (
    PANEL,
    PANEL_ROLES,
    read_number,
    requested_panel,
)
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import session_token
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state


@signed_in(*PANEL_ROLES)
async def rules_page(request: Request) -> Response:
    """The rules in force, and for reviewers a form for new ones until scoring begins."""
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
    may_propose = current_user(request).account.role in REVIEWERS and not panel.sheets
    people = {expert.account_id: expert.name for expert in panel.experts}
    return page(
        request,
        "panel/rules.html",
        selection=panel.selection,
        panel=panel,
        rules=panel.rules,
        form=panel.rules or suggested_rules(),
        rows=range(1, MAX_CRITERIA + 1),
        may_propose=may_propose,
        people=people,
    )


@signed_in(*REVIEWERS, step_up=True)
async def propose_new_rules(request: Request) -> Response:
    """Propose rules."""
    rules = read_rules(await read_form(request))
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        await propose_rules(current_actor(request, connection), panel, rules)
    return redirect_done(request, PANEL, "proposed")


@signed_in(*REVIEWERS, "expert")
async def reopen(request: Request) -> Response:
    """Make a submitted sheet a draft of its expert again."""
    form = await read_form(request)
    sheet = SubmittedSheet(read_number(form.get("round", "")), read_number(form.get("expert", "")))
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        actor = current_actor(request, connection)
        await reopen_sheet(actor, panel, session_token(request), sheet)
    return redirect_done(request, PANEL, "reopened")


@signed_in(*REVIEWERS, "expert", step_up=True)
async def close(request: Request) -> Response:
    """Propose to close the open round without the experts who are missing."""
    form = await read_form(request)
    round_number = {"1": 1, "2": 2, "3": 3}.get(form.get("round", ""), 0)
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        await propose_close(current_actor(request, connection), panel, round_number)
    return redirect_done(request, PANEL, "proposed")


@signed_in(*REVIEWERS, step_up=True)
async def approve(request: Request) -> Response:
    """Approve a proposal."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        proposal_id = request.path_params["approval"]
        await approve_proposal(current_actor(request, connection), panel, proposal_id)
    return redirect_done(request, PANEL, "approved")


@signed_in(*REVIEWERS, "expert")
async def decline(request: Request) -> Response:
    """Decline a proposal, or withdraw one's own, which is all that the chair may do."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        await decline_proposal(
            current_actor(request, connection),
            await requested_panel(request, connection),
            request.path_params["approval"],
            form.get("because", ""),
        )
    return redirect_done(request, PANEL, "declined")


ROUTES = [
    Route(f"{PANEL}/rules", rules_page),
    Route(f"{PANEL}/rules", propose_new_rules, methods=["POST"]),
    Route(f"{PANEL}/reopen", reopen, methods=["POST"]),
    Route(f"{PANEL}/close", close, methods=["POST"]),
    Route(f"{PANEL}/approvals/{{approval:int}}/approve", approve, methods=["POST"]),
    Route(f"{PANEL}/approvals/{{approval:int}}/decline", decline, methods=["POST"]),
]
