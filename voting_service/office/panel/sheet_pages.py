"""An expert's own sheet: points for everybody in a table, or ranks for the tied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.desk.access import signed_in, visitor, wants_page
from voting_service.desk.cookies import language, session_token
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, Refused
from voting_service.journal.record import record
from voting_service.office.panel.aggregation import Criterion
from voting_service.office.panel.candidates import Judged, judged, load_recommended
from voting_service.office.panel.model import (
    BALLOT,
    DISCUSSION,
    SCORING,
    Expert,
    Panel,
    points_field,
    read_points,
    read_ranks,
    totals_of,
)
from voting_service.office.panel.outcome import load_outcome, open_ties
from voting_service.office.panel.pages import names_of, open_round
from voting_service.office.panel.reading import PREFIX, own_place, panel_of, score_text
from voting_service.office.panel.store import declare_conflict, own_sheet, save_sheet
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection
from voting_service.web.languages import written_moment


class Desk(NamedTuple):
    """Where an expert sits: the panel, the round that is open, and whom it asks about."""

    panel: Panel
    expert: Expert
    asked: int
    criteria: tuple[Criterion, ...]
    ties: tuple[tuple[int, ...], ...]


async def _sit_down(request: Request, connection: AnyConnection) -> Desk:
    """Raises Refused when nothing is to be scored now."""
    panel = await panel_of(request, connection)
    outcome = await load_outcome(connection, panel)
    asked = open_round(panel, outcome)
    if asked is None or panel.rules is None:
        raise Refused(
            "nothing is to be scored now; the panel's page says what comes next",
            zh="目前没有需要评分的内容，请查看评审首页。",
        )
    expert = own_place(request, panel)
    excluded = panel.excluded(expert.account_id)
    ties = tuple(tie for tie in open_ties(outcome) if not excluded & set(tie))
    return Desk(panel, expert, asked, panel.rules.criteria, ties)


@signed_in("expert")
async def sheet_page(request: Request) -> Response:
    """The sheet as it was saved last; in the second round it begins with the first one's."""
    async with desk_of(request).connection() as connection:
        desk = await _sit_down(request, connection)
        saved = await _saved(request, connection, desk)
        return await _sheet(request, connection, desk, _fields(desk, saved), ())


async def _saved(request: Request, connection: AnyConnection, desk: Desk) -> dict[str, Any]:
    token, selection = session_token(request), desk.panel.selection
    saved = await own_sheet(connection, token, selection, desk.asked)
    if saved is None and desk.asked == DISCUSSION:
        saved = await own_sheet(connection, token, selection, SCORING)
    return saved or {}


def _fields(desk: Desk, content: Mapping[str, Any]) -> dict[str, str]:
    """Saved content as the form's fields hold it."""
    if desk.asked == BALLOT:
        return {f"rank-{number}": str(rank) for number, rank in content.items()}
    return {
        points_field(int(number), key): points
        for number, row in content.items()
        for key, points in row.items()
    }


async def _sheet(
    request: Request,
    connection: AnyConnection,
    desk: Desk,
    fields: Mapping[str, str],
    faults: tuple[Fault, ...],
) -> Response:
    panel, account_id = desk.panel, desk.expert.account_id
    assert panel.rules is not None
    content, _, missing = read_points(desk.criteria, panel.judged_by(account_id), fields)
    complete = {n: row for n, row in content.items() if len(row) == len(desk.criteria)}
    totals = totals_of(panel.rules, complete, ()) if desk.asked != BALLOT else {}
    return page(
        request,
        "panel/ballot.html" if desk.asked == BALLOT else "panel/sheet.html",
        status=422 if faults else 200,
        selection=panel.selection,
        panel=panel,
        asked=desk.asked,
        criteria=desk.criteria,
        rows=await _rows(request, connection, desk),
        names=names_of(panel),
        fields=fields,
        field=points_field,
        totals={number: score_text(value) for number, value in totals.items()},
        missing=len(missing),
        faults={fault.field: fault for fault in faults},
        ties=desk.ties,
        excluded=[c for c in panel.conflicts if c.account_id == account_id],
        state=panel.sheet(desk.asked, account_id),
        done=request.query_params.get("done", ""),
    )


async def _rows(request: Request, connection: AnyConnection, desk: Desk) -> tuple[Judged, ...]:
    keys = PersonalKeys.of(desk_of(request).settings)
    judges = desk.panel.judged_by(desk.expert.account_id)
    recommended = await load_recommended(connection, keys, desk.panel)
    return tuple(one for one in judged(desk.panel, recommended) if one.number in judges)


@signed_in("expert")
async def save(request: Request) -> Response:
    """Saves what is filled in, or hands the sheet in when nothing is missing. For the script that
    saves while somebody types it answers in JSON."""
    form = await read_form(request)
    async with desk_of(request).connection() as connection, connection.transaction():
        desk = await _sit_down(request, connection)
        if form.get("round") != str(desk.asked):
            raise Refused(
                "another round has begun meanwhile; load the page anew",
                zh="评审已进入下一轮，请刷新页面。",
            )
        hand_in = form.get("act") == "hand_in"
        content, faults = _read(desk, form, hand_in=hand_in)
        token, selection = session_token(request), desk.panel.selection
        hand_in = hand_in and not faults
        saved_at = await save_sheet(
            connection, token, selection, desk.asked, content, hand_in=hand_in
        )
        if hand_in:
            await record(
                connection,
                visitor(request).account.name,
                "scores_submitted",
                contest=selection.slug,
                subject=f"panel, round {desk.asked}",
            )
        if not wants_page(request):
            return _answer(request, desk, saved_at, faults)
        if faults:
            return await _sheet(request, connection, desk, form, faults)
    address = PREFIX.replace("{slug}", selection.slug)
    return RedirectResponse(
        f"{address}?done=handed_in" if hand_in else f"{address}/sheet?done=saved", 303
    )


def _read(
    desk: Desk, form: Mapping[str, str], *, hand_in: bool
) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """What is saved, and what is wrong. Raises InvalidInput for a ballot that is none."""
    if desk.asked == BALLOT:
        return dict(read_ranks(desk.ties, form)), ()
    judges = desk.panel.judged_by(desk.expert.account_id)
    content, wrong, missing = read_points(desk.criteria, judges, form)
    return dict(content), (*wrong, *missing) if hand_in else wrong


def _answer(
    request: Request, desk: Desk, saved_at: datetime, faults: tuple[Fault, ...]
) -> Response:
    chosen = language(request)
    return JSONResponse(
        {
            "saved_at": written_moment(saved_at, desk.panel.selection.zone, chosen),
            "faults": {
                fault.field: fault.zh if chosen == "zh" else fault.message for fault in faults
            },
        },
        headers={"cache-control": "no-store"},
    )


@signed_in("expert")
async def declare(request: Request) -> Response:
    """The expert does not judge a candidate; that stays."""
    form = await read_form(request)
    text = form.get("number", "")
    async with desk_of(request).connection() as connection, connection.transaction():
        panel = await panel_of(request, connection)
        own_place(request, panel)
        if not text.isascii() or not text.isdecimal() or int(text[:5]) not in panel.cut:
            raise Refused("this is no candidate of the panel", zh="该编号不是评审候选人。")
        token = session_token(request)
        await declare_conflict(
            connection, token, panel.selection, int(text), form.get("reason", "")
        )
        await record(
            connection,
            visitor(request).account.name,
            "conflict_declared",
            contest=panel.selection.slug,
            subject=f"panel, candidate {int(text)}",
        )
    address = PREFIX.replace("{slug}", panel.selection.slug)
    return RedirectResponse(f"{address}?done=declared", 303)


ROUTES = [
    Route(f"{PREFIX}/sheet", sheet_page),
    Route(f"{PREFIX}/sheet", save, methods=["POST"]),
    Route(f"{PREFIX}/conflicts", declare, methods=["POST"]),
]
