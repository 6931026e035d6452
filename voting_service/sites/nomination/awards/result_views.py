"""The result: the provisional one, its approval by two people, and the published versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.nomination.awards.published_result import (
    Removal,
    load_publicity,
    load_results,
)
from voting_service.nomination.awards.service import (
    ResultKeys,
    ResultProposal,
    approve_result,
    decline_result,
    propose_result,
)
from voting_service.nomination.model import (
    READERS,
    REVIEWERS,
    Selection,
)
from voting_service.nomination.panel.model import score_text
from voting_service.nomination.panel.outcome import load_panel_outcome, winners_and_nominees
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.sites.nomination.panel.context import (
    candidate_names,
    requested_panel,
)
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.form_times import shown_from
from voting_service.sites.shared.signed_in.forms import read_form, read_form_lists
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.sessions import is_confirmed

RESULT = "/selections/{slug}/result"


def _keys(request: Request) -> ResultKeys:
    settings = get_state(request).settings
    return ResultKeys(load_signing_key(settings.signing_key_file), PersonalKeys.of(settings))


@signed_in(*READERS)
async def result_page(request: Request) -> Response:
    """The provisional result, proposals waiting for approval, and every approved version."""
    state, user = get_state(request), current_user(request)
    async with state.connection() as connection:
        panel = await requested_panel(request, connection)
        outcome = await load_panel_outcome(connection, panel)
        results = await load_results(connection, panel.contest.id) if panel.contest else ()
        publicity = await load_publicity(connection, panel.contest.id) if panel.contest else {}
    order = None if outcome is None else outcome.order
    newest = results[-1].read() if results else None
    now, may_decide = state.clock(), user.account.role in REVIEWERS
    return page(
        request,
        "awards/result.html",
        selection=panel.selection,
        panel=panel,
        outcome=outcome,
        provisional=winners_and_nominees(panel, order)
        if order is not None and not newest
        else None,
        scores={s.number: score_text(s.score) for s in outcome.last or ()} if outcome else {},
        newest=newest,
        publicity=publicity,
        versions=[
            (version, version.read(), sha256(version.document).hexdigest())
            for version in results[::-1]
        ],
        is_public=lambda version: version.visible_at <= now,
        names=candidate_names(panel),
        waiting=[d for d in panel.decisions if d.kind == "result" and d.state == "waiting"],
        parsed=datetime.fromisoformat,
        suggested=_next_hour(now, panel.selection),
        may_decide=may_decide,
        must_confirm=may_decide and not is_confirmed(user.session, now),
        public_url=state.settings.public_url.rstrip("/"),
    )


def _next_hour(now: datetime, selection: Selection) -> str:
    """Return the next full hour as a form's time field holds it."""
    return (now + timedelta(hours=1)).astimezone(selection.zone).strftime("%Y-%m-%dT%H:00")


@signed_in(*REVIEWERS, step_up=True)
async def propose(request: Request) -> Response:
    """Propose the result, or a correction of it."""
    lists = await read_form_lists(request)
    form = {name: values[0] for name, values in lists.items()}
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        proposal = ResultProposal(
            visible_from=shown_from(form, panel.selection.zone),
            removal=_read_removal(lists.get("removed", []), form),
        )
        actor = current_actor(request, connection)
        await propose_result(actor, _keys(request), panel, proposal)
    return redirect_done(request, RESULT, "proposed")


def _read_removal(numbers: list[str], form: Mapping[str, str]) -> Removal | None:
    if "reason_zh" not in form:
        return None
    chosen = tuple(sorted({int(n[:4]) for n in numbers if n.isascii() and n.isdecimal()}))
    reason = Text(form["reason_zh"].strip(), form.get("reason_en", "").strip())
    return Removal(chosen, reason)


@signed_in(*REVIEWERS, step_up=True)
async def approve(request: Request) -> Response:
    """Approve a result, which publishes it."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        actor, proposal_id = current_actor(request, connection), request.path_params["approval"]
        await approve_result(actor, _keys(request), panel, proposal_id)
    return redirect_done(request, RESULT, "published")


@signed_in(*REVIEWERS)
async def decline(request: Request) -> Response:
    """Decline a result, or withdraw one's own proposal."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        actor, proposal_id = current_actor(request, connection), request.path_params["approval"]
        await decline_result(actor, panel, proposal_id, form.get("because", ""))
    return redirect_done(request, RESULT, "declined")


ROUTES = [
    Route(RESULT, result_page),
    Route(RESULT, propose, methods=["POST"]),
    Route(f"{RESULT}/approvals/{{approval:int}}/approve", approve, methods=["POST"]),
    Route(f"{RESULT}/approvals/{{approval:int}}/decline", decline, methods=["POST"]),
]
