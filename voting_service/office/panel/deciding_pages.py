"""What two people do about a panel: its rules, and closing a round without somebody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.decisions.store import find_decision
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import NotFound
from voting_service.office.declining import turn_down
from voting_service.office.model import REVIEWERS
from voting_service.office.panel.deciding import (
    CRITERIA,
    SUGGESTED,
    approve,
    propose_close,
    propose_rules,
    read_rules,
)
from voting_service.office.panel.reading import JUDGES, PREFIX, panel_of


def _done(request: Request, what: str) -> Response:
    address = PREFIX.replace("{slug}", request.path_params["slug"])
    return RedirectResponse(f"{address}?done={what}", 303)


@signed_in(*JUDGES)
async def rules_page(request: Request) -> Response:
    """The rules in force, and for the office a form for others until scoring begins."""
    async with desk_of(request).connection() as connection:
        panel = await panel_of(request, connection)
    may_propose = visitor(request).account.role in REVIEWERS and not panel.sheets
    return page(
        request,
        "panel/rules.html",
        selection=panel.selection,
        panel=panel,
        rules=panel.rules,
        form=panel.rules or SUGGESTED,
        rows=range(1, CRITERIA + 1),
        may_propose=may_propose,
    )


@signed_in(*REVIEWERS, step_up=True)
async def propose_new_rules(request: Request) -> Response:
    """Proposes the rules; another person approves them."""
    rules = read_rules(await read_form(request))
    desk = desk_of(request)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        await propose_rules(connection, panel, visitor(request).account, rules, desk.clock())
    return _done(request, "proposed")


@signed_in(*REVIEWERS, step_up=True)
async def close(request: Request) -> Response:
    """Proposes to end the round that is open without those who are missing."""
    form = await read_form(request)
    desk = desk_of(request)
    asked = {"1": 1, "2": 2, "3": 3}.get(form.get("round", ""), 0)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        await propose_close(connection, panel, visitor(request).account, asked, desk.clock())
    return _done(request, "proposed")


@signed_in(*REVIEWERS, step_up=True)
async def approve_decision(request: Request) -> Response:
    """The second person's word."""
    await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        decision = find_decision(panel.decisions, request.path_params["decision"])
        await approve(connection, panel, visitor(request).account, decision, desk.clock())
    return _done(request, "approved")


@signed_in(*REVIEWERS)
async def decline_decision(request: Request) -> Response:
    """Turns a proposal down, or takes one's own back."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        decision = find_decision(panel.decisions, request.path_params["decision"])
        if decision.kind != "panel":
            raise NotFound(
                f"decision {decision.id} is not about the panel", zh="该决定与评审无关。"
            )
        await turn_down(
            connection,
            panel.selection,
            visitor(request).account,
            decision,
            form.get("because", ""),
            now=desk.clock(),
        )
    return _done(request, "declined")


ROUTES = [
    Route(f"{PREFIX}/rules", rules_page),
    Route(f"{PREFIX}/rules", propose_new_rules, methods=["POST"]),
    Route(f"{PREFIX}/close", close, methods=["POST"]),
    Route(f"{PREFIX}/decisions/{{decision:int}}/approve", approve_decision, methods=["POST"]),
    Route(f"{PREFIX}/decisions/{{decision:int}}/decline", decline_decision, methods=["POST"]),
]
