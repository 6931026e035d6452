"""The result: what the panel's scores give, what two people decide, what is published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.sessions import is_confirmed
from voting_service.contests.awards import LeftOut, load_publicity, load_results
from voting_service.contests.model import Text
from voting_service.decisions.store import find_decision
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form, read_form_lists
from voting_service.desk.moments import shown_from
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import NotFound
from voting_service.office.announcement.deciding import approve_result, propose_result
from voting_service.office.declining import turn_down
from voting_service.office.model import READERS, REVIEWERS, Selection
from voting_service.office.panel.outcome import load_outcome, winners_and_nominees
from voting_service.office.panel.pages import names_of
from voting_service.office.panel.reading import panel_of, score_text
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.signed_file import load_signing_key

PREFIX = "/selections/{slug}/result"


def _done(request: Request, what: str) -> Response:
    return RedirectResponse(f"/selections/{request.path_params['slug']}/result?done={what}", 303)


@signed_in(*READERS)
async def result_page(request: Request) -> Response:
    """Who would be named, what waits for a second person, and every published version."""
    desk, known = desk_of(request), visitor(request)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        outcome = await load_outcome(connection, panel)
        results = await load_results(connection, panel.contest.id) if panel.contest else ()
        told = await load_publicity(connection, panel.contest.id) if panel.contest else {}
    order = None if outcome is None else outcome.order
    newest = results[-1].read() if results else None
    now, may_decide = desk.clock(), known.account.role in REVIEWERS
    return page(
        request,
        "announcement/result.html",
        selection=panel.selection,
        panel=panel,
        outcome=outcome,
        named=winners_and_nominees(panel, order) if order is not None and not newest else None,
        scores={one.number: score_text(one.score) for one in (outcome.last or ())}
        if outcome
        else {},
        newest=newest,
        told=told,
        versions=[(one, one.read(), sha256(one.document).hexdigest()) for one in results[::-1]],
        shown=lambda one: one.visible_at <= now,
        names=names_of(panel),
        waiting=[d for d in panel.decisions if d.kind == "result" and d.state == "waiting"],
        parsed=datetime.fromisoformat,
        suggested=_next_hour(now, panel.selection),
        may_decide=may_decide,
        must_confirm=may_decide and not is_confirmed(known.session, desk.clock()),
        public_url=desk.settings.public_url.rstrip("/"),
        done=request.query_params.get("done", ""),
    )


def _next_hour(now: datetime, selection: Selection) -> str:
    """As a form's field for a moment holds it."""
    return (now + timedelta(hours=1)).astimezone(selection.zone).strftime("%Y-%m-%dT%H:00")


@signed_in(*REVIEWERS, step_up=True)
async def propose(request: Request) -> Response:
    """Proposes the result, or a correction of it."""
    lists = await read_form_lists(request)
    form = {name: values[0] for name, values in lists.items()}
    desk = desk_of(request)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        await propose_result(
            connection,
            panel,
            visitor(request).account,
            key=load_signing_key(desk.settings.signing_key_file),
            keys=PersonalKeys.of(desk.settings),
            now=desk.clock(),
            visible_from=shown_from(form, panel.selection.zone),
            removed=_removed(lists.get("removed", []), form),
        )
    return _done(request, "proposed")


def _removed(numbers: list[str], form: Mapping[str, str]) -> LeftOut | None:
    if "reason_zh" not in form:
        return None
    chosen = tuple(sorted({int(n[:4]) for n in numbers if n.isascii() and n.isdecimal()}))
    reason = Text(form["reason_zh"].strip(), form.get("reason_en", "").strip())
    return LeftOut(chosen, reason)


@signed_in(*REVIEWERS, step_up=True)
async def approve(request: Request) -> Response:
    """The second person's word; the result is published in the same moment."""
    await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        decision = find_decision(panel.decisions, request.path_params["decision"])
        await approve_result(
            connection,
            panel,
            visitor(request).account,
            decision,
            key=load_signing_key(desk.settings.signing_key_file),
            keys=PersonalKeys.of(desk.settings),
            now=desk.clock(),
        )
    return _done(request, "published")


@signed_in(*REVIEWERS)
async def decline_result(request: Request) -> Response:
    """Turns a proposal down, or takes one's own back."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        decision = find_decision(panel.decisions, request.path_params["decision"])
        if decision.kind != "result":
            raise NotFound(f"decision {decision.id} is no result", zh="该决定与结果无关。")
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
    Route(PREFIX, result_page),
    Route(PREFIX, propose, methods=["POST"]),
    Route(f"{PREFIX}/decisions/{{decision:int}}/approve", approve, methods=["POST"]),
    Route(f"{PREFIX}/decisions/{{decision:int}}/decline", decline_result, methods=["POST"]),
]
