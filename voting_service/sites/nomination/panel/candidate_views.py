"""A candidate on one page, as experts see them, and beside it the points of the expert's sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.pictures.model import Picture
from voting_service.contests.pictures.repository import load_file, load_pictures
from voting_service.errors import Fault, NotFound, Refused
from voting_service.i18n.formatting import written_moment
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.panel.candidates import ExpertCandidateView
from voting_service.nomination.panel.model import BALLOT, Panel, points_field, read_points
from voting_service.nomination.panel.score_sheets import (
    OpenSheet,
    find_open_sheet,
    load_fields,
    load_open_sheet,
    save_scores,
)
from voting_service.nomination.panel.service import view_candidate
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.sites.nomination.panel.context import (
    CANDIDATE,
    PANEL,
    PANEL_ROLES,
    candidate_names,
    read_number,
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
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS, page
from voting_service.sites.shared.signed_in.state import get_state


@dataclass(frozen=True)
class _ShownCandidate:
    """What a page shows; `sheet` is the one open to the expert, `fields` are its saved points."""

    panel: Panel
    candidate: ExpertCandidateView
    portrait: Picture | None
    sheet: OpenSheet | None
    fields: Mapping[str, str]


async def _load(request: Request, connection: AnyConnection, panel: Panel) -> _ShownCandidate:
    keys = PersonalKeys.of(get_state(request).settings)
    actor, number = current_actor(request, connection), request.path_params["number"]
    candidate = await view_candidate(actor, keys, panel, number)
    pictures = await load_pictures(connection, panel.contest.id) if panel.contest else {}
    sheet, fields = None, {}
    if actor.account.role == "expert":
        sheet = await find_open_sheet(connection, panel, actor.account.id)
    if sheet is not None and sheet.round == BALLOT:
        sheet = None
    if sheet is not None:
        fields = await load_fields(connection, sheet, session_token(request))
    return _ShownCandidate(panel, candidate, pictures.get(number), sheet, fields)


def _page(
    request: Request,
    shown: _ShownCandidate,
    typed: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
) -> Response:
    """Show a page, with what was typed and its faults where it was not all saved."""
    panel, sheet, number = shown.panel, shown.sheet, shown.candidate.number
    account_id = current_user(request).account.id
    judged = panel.judged_by(account_id)
    return page(
        request,
        "panel/candidate.html",
        status=422 if faults else 200,
        selection=panel.selection,
        panel=panel,
        candidate=shown.candidate,
        portrait=shown.portrait,
        names=candidate_names(panel),
        sheet=sheet,
        fields={**shown.fields, **(typed or {})},
        field=points_field,
        faults={fault.field: fault.text(language(request)) for fault in faults},
        everybody=sorted(panel.cut),
        scored=frozenset() if sheet is None else sheet.scored(shown.fields),
        total=None if sheet is None else sheet.totals(shown.fields).get(number),
        judged=judged,
        conflict=panel.conflict(account_id, number),
        previous=max((other for other in judged if other < number), default=None),
        next=min((other for other in judged if other > number), default=None),
    )


@signed_in(*PANEL_ROLES)
async def candidate_page(request: Request) -> Response:
    """A candidate without personal data; each view is recorded in the audit log."""
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        shown = await _load(request, connection, panel)
    return _page(request, shown)


@signed_in("expert")
async def save(request: Request) -> Response:
    """Save the points of one candidate in the draft, and go where `go` leads. Points that are wrong
    are not saved, and the page shows it beside them. Answers the script in JSON."""
    form, number = await read_form(request), request.path_params["number"]
    has_points = any(name.startswith("points-") for name in form)
    if not has_points:
        return _go(request, form.get("go", ""))
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        sheet = await load_open_sheet(connection, panel, current_user(request).account.id)
        if form.get("round") != str(sheet.round):
            raise Refused("sites.nomination.panel.another_round_has_begun")
        if number not in panel.cut:
            raise NotFound("nomination.panel.no_such_candidate")
        content, faults, _ = read_points(sheet.criteria, [number], form)
        actor, access = current_actor(request, connection), sheet.access(session_token(request))
        saved_at = await save_scores(actor, access, content, submit=False)
        if faults and wants_page(request):
            saved = await requested_panel(request, connection)
            return _page(request, await _load(request, connection, saved), form, faults)
    if wants_page(request):
        return _go(request, form.get("go", ""))
    reader = language(request)
    facts = {
        "saved_at": written_moment(saved_at, panel.selection.zone, reader),
        "faults": {fault.field: fault.text(reader) for fault in faults},
        "scored": sorted(sheet.scored(form)),
    }
    return JSONResponse(facts, headers={"cache-control": "no-store"})


def _go(request: Request, where: str) -> Response:
    """Lead to a candidate by number, to the whole sheet, or back to this page."""
    base = PANEL.replace("{slug}", request.path_params["slug"])
    if where == "sheet":
        return RedirectResponse(f"{base}/sheet", 303)
    other = read_number(where)
    here = f"{base}/candidates/{request.path_params['number']}?done=saved"
    return RedirectResponse(f"{base}/candidates/{other}" if other else here, 303)


@signed_in(*PANEL_ROLES)
async def portrait(request: Request) -> Response:
    """A candidate's portrait by its hash and width. Raises NotFound."""
    path = request.path_params
    async with get_state(request).connection() as connection:
        content = await load_file(connection, path["hash"], path["width"], "webp")
    if content is None:
        raise NotFound("sites.nomination.panel.no_such_portrait")
    return Response(content, 200, PAGE_HEADERS, media_type="image/webp")


ROUTES = [
    Route(CANDIDATE, candidate_page),
    Route(CANDIDATE, save, methods=["POST"]),
    Route(f"{PANEL}/portraits/{{hash}}/{{width:int}}", portrait),
]
