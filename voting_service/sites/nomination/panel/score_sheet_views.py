"""An expert's own score sheet: points in a table, or ranks for the tied."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, Refused
from voting_service.i18n.formatting import written_moment
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.panel.candidates import (
    ExpertCandidateView,
    candidate_views,
    load_recommended,
)
from voting_service.nomination.panel.model import BALLOT, points_field
from voting_service.nomination.panel.score_sheets import (
    OpenSheet,
    load_fields,
    load_open_sheet,
    read_sheet,
    save_scores,
)
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.sites.nomination.panel.context import (
    PANEL,
    candidate_names,
    requested_panel,
)
from voting_service.sites.shared.signed_in.access import (
    current_actor,
    current_user,
    signed_in,
    wants_page,
)
from voting_service.sites.shared.signed_in.cookies import language, session_token
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state


async def _open_sheet(request: Request, connection: AnyConnection) -> OpenSheet:
    panel = await requested_panel(request, connection)
    return await load_open_sheet(connection, panel, current_user(request).account.id)


@signed_in("expert")
async def sheet_page(request: Request) -> Response:
    """The sheet as it was last saved; the second round starts with the points of the first."""
    async with get_state(request).connection() as connection:
        sheet = await _open_sheet(request, connection)
        fields = await load_fields(connection, sheet, session_token(request))
        rows = await _rows(request, connection, sheet)
    return _page(request, sheet, rows, fields)


async def _rows(
    request: Request, connection: AnyConnection, sheet: OpenSheet
) -> tuple[ExpertCandidateView, ...]:
    keys = PersonalKeys.of(get_state(request).settings)
    recommended = await load_recommended(connection, keys, sheet.panel)
    views = candidate_views(sheet.panel, recommended)
    return tuple(view for view in views if view.number in sheet.judged)


def _page(
    request: Request,
    sheet: OpenSheet,
    rows: tuple[ExpertCandidateView, ...],
    fields: Mapping[str, str],
    faults: tuple[Fault, ...] = (),
) -> Response:
    panel, account_id = sheet.panel, sheet.expert.account_id
    return page(
        request,
        "panel/ballot.html" if sheet.round == BALLOT else "panel/sheet.html",
        status=422 if faults else 200,
        selection=panel.selection,
        panel=panel,
        round_number=sheet.round,
        criteria=sheet.criteria,
        rows=rows,
        names=candidate_names(panel),
        fields=fields,
        field=points_field,
        totals=sheet.totals(fields),
        faults={fault.field: fault.text(language(request)) for fault in faults},
        ties=sheet.ties,
        excluded=[c for c in panel.conflicts if c.account_id == account_id],
        state=sheet.state,
        sheet=sheet,
        unscored=sorted(set(sheet.judged) - sheet.scored(fields)),
    )


@signed_in("expert")
async def save(request: Request) -> Response:
    """Save a draft, or submit the sheet when nothing is missing. Answers the script, which saves
    while the expert types, in JSON."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        sheet = await _open_sheet(request, connection)
        if form.get("round") != str(sheet.round):
            raise Refused("sites.nomination.panel.another_round_has_begun")
        wants_submit = form.get("act") == "submit"
        content, faults = read_sheet(sheet, form, submit=wants_submit)
        submit = wants_submit and not faults
        access = sheet.access(session_token(request))
        actor = current_actor(request, connection)
        if faults and sheet.round == BALLOT:
            return _page(request, sheet, (), form, faults)
        saved_at = await save_scores(actor, access, content, submit=submit)
        if faults:
            sheet = await _open_sheet(request, connection)
        rows = await _rows(request, connection, sheet) if faults else ()
    if not wants_page(request):
        zone, reader = sheet.panel.selection.zone, language(request)
        return JSONResponse(
            {
                "saved_at": written_moment(saved_at, zone, reader),
                "faults": {fault.field: fault.text(reader) for fault in faults},
                "scored": sorted(sheet.scored(form)),
            },
            headers={"cache-control": "no-store"},
        )
    if faults:
        return _page(request, sheet, rows, form, faults)
    if submit:
        return redirect_done(request, PANEL, "submitted")
    return redirect_done(request, f"{PANEL}/sheet", "saved")


ROUTES = [
    Route(f"{PANEL}/sheet", sheet_page),
    Route(f"{PANEL}/sheet", save, methods=["POST"]),
]
