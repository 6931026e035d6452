"""The state of the panel for reviewers and experts, and each candidate as experts see them."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.i18n.catalogues import load_catalogue
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.awards.minutes_data import ties_of_lines
from voting_service.nomination.documents.minutes import tie_sentences
from voting_service.nomination.model import READERS, REVIEWERS
from voting_service.nomination.panel.aggregation import PanelRules
from voting_service.nomination.panel.conflicts import decrypt_reasons
from voting_service.nomination.panel.model import Panel, score_text
from voting_service.nomination.panel.outcome import (
    PanelOutcome,
    current_round,
    final_standings,
    load_panel_outcome,
)
from voting_service.nomination.panel.score_sheets import (
    OpenSheet,
    find_open_sheet,
    load_fields,
    require_expert,
)
from voting_service.nomination.panel.scores_export import export_scores
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.sites.nomination.panel.context import (
    PANEL,
    PANEL_ROLES,
    candidate_names,
    requested_panel,
)
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language, session_token
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.sessions import is_confirmed

NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@signed_in(*PANEL_ROLES)
async def panel_page(request: Request) -> Response:
    """The next step, who has submitted, and the standings once they are open."""
    state, user = get_state(request), current_user(request)
    async with state.connection() as connection:
        panel = await requested_panel(request, connection)
        outcome = await load_panel_outcome(connection, panel)
        own = await _own_fields(request, connection, panel)
    account = user.account
    may_decide = account.role in REVIEWERS
    may_lead = panel.led_by(account)
    waiting = [d for d in panel.decisions if d.kind == "panel" and d.state == "waiting"]
    return page(
        request,
        "panel/panel.html",
        selection=panel.selection,
        panel=panel,
        outcome=outcome,
        standings=() if outcome is None else final_standings(outcome),
        round_number=current_round(panel, outcome),
        names=candidate_names(panel),
        people={expert.account_id: expert.name for expert in panel.experts},
        expert=require_expert(panel, account.id) if account.role == "expert" else None,
        reasons=decrypt_reasons(PersonalKeys.of(state.settings), panel, account.id),
        score=score_text,
        ties=_tie_sentences(request, panel, outcome),
        waiting=waiting,
        proposed={
            request.id: msgspec.convert(request.payload, PanelRules)
            for request in waiting
            if request.subject.startswith("rules/")
        },
        may_decide=may_decide,
        may_lead=may_lead,
        sees_progress=may_lead or account.role != "expert",
        must_confirm=may_lead and not is_confirmed(user.session, state.clock()),
        sheet=own[0],
        scored=frozenset() if own[0] is None else own[0].scored(own[1]),
        begun={key.split("-")[1] for key, typed in own[1].items() if typed.strip()},
    )


def _tie_sentences(request: Request, panel: Panel, outcome: PanelOutcome | None) -> tuple[str, ...]:
    """Return what the documents say of ties at the lines."""
    if outcome is None or not (outcome.ties or outcome.resolved_ties):
        return ()
    reader = language(request)
    return tie_sentences(ties_of_lines(panel, outcome, reader), reader)


async def _own_fields(
    request: Request, connection: AnyConnection, panel: Panel
) -> tuple[OpenSheet | None, dict[str, str]]:
    """Return the sheet that is open to an expert, with its saved fields; none to others."""
    account = current_user(request).account
    if account.role != "expert":
        return None, {}
    sheet = await find_open_sheet(connection, panel, account.id)
    if sheet is None:
        return None, {}
    return sheet, await load_fields(connection, sheet, session_token(request))


@signed_in(*READERS)
async def scores(request: Request) -> Response:
    """Everything that the standings are computed from, as JSON."""
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        export = await export_scores(current_actor(request, connection), panel)
    what = load_catalogue("recommendations", language(request))["file_names"]["scores"]
    name = f"{what}-{panel.selection.slug}.json"
    headers = {**NO_STORE, "content-disposition": content_disposition(name)}
    return Response(msgspec.json.encode(export), 200, headers, media_type="application/json")


ROUTES = [
    Route(PANEL, panel_page),
    Route(f"{PANEL}/scores.json", scores),
]
