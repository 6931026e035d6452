"""How the panel stands, for the office and for experts; and each candidate as experts see them."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.accounts.sessions import is_confirmed
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import NotFound, Refused
from voting_service.journal.record import record
from voting_service.office.model import READERS, REVIEWERS
from voting_service.office.panel.aggregation import Standing
from voting_service.office.panel.candidates import judged, load_recommended
from voting_service.office.panel.model import BALLOT, DISCUSSION, SCORING, Panel
from voting_service.office.panel.outcome import (
    Outcome,
    Sheets,
    final_sheets,
    load_outcome,
    open_ties,
)
from voting_service.office.panel.reading import (
    JUDGES,
    PREFIX,
    own_place,
    panel_of,
    score_text,
)
from voting_service.office.panel.store import read_sheets
from voting_service.office.sealing import PersonalKeys

NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def open_round(panel: Panel, outcome: Outcome | None) -> int | None:
    """The round that takes sheets now; a ballot only where there are ties."""
    asked = panel.open_round
    return None if asked == BALLOT and not open_ties(outcome) else asked


@signed_in(*JUDGES)
async def panel_page(request: Request) -> Response:
    """What is to be done now, who handed in, and the standings as soon as they may be read."""
    desk, known = desk_of(request), visitor(request)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        outcome = await load_outcome(connection, panel)
    account = known.account
    may_decide = account.role in REVIEWERS
    return page(
        request,
        "panel/panel.html",
        selection=panel.selection,
        panel=panel,
        outcome=outcome,
        asked=open_round(panel, outcome),
        names=names_of(panel),
        people={one.account_id: one.name for one in panel.experts},
        expert=own_place(request, panel) if account.role == "expert" else None,
        score=score_text,
        ties=open_ties(outcome),
        waiting=[d for d in panel.decisions if d.kind == "panel" and d.state == "waiting"],
        may_decide=may_decide,
        must_confirm=may_decide and not is_confirmed(known.session, desk.clock()),
        done=request.query_params.get("done", ""),
    )


def names_of(panel: Panel) -> dict[int, Any]:
    """Candidates' names by number."""
    return {} if panel.contest is None else {c.number: c.name for c in panel.contest.candidates}


@signed_in(*JUDGES)
async def candidate_page(request: Request) -> Response:
    """A candidate without personal data; who looked stands in the journal."""
    desk, number = desk_of(request), request.path_params["number"]
    async with desk.connection() as connection, connection.transaction():
        panel = await panel_of(request, connection)
        keys = PersonalKeys.of(desk.settings)
        recommended = await load_recommended(connection, keys, panel)
        found = [one for one in judged(panel, recommended) if one.number == number]
        if not found:
            raise NotFound("there is no candidate of this number", zh="没有这个编号的候选人。")
        await record(
            connection,
            visitor(request).account.name,
            "viewed",
            contest=panel.selection.slug,
            subject=f"panel, candidate {number}",
        )
    account_id = visitor(request).account.id
    order = panel.judged_by(account_id) if number in panel.judged_by(account_id) else ()
    return page(
        request,
        "panel/candidate.html",
        selection=panel.selection,
        one=found[0],
        order=order,
        excluded=number in panel.excluded(account_id),
    )


@signed_in(*READERS)
async def scores(request: Request) -> Response:
    """Everything that the standings are computed from, for whoever computes them again: of each
    candidate what the experts said (in round 2 also those who did not revise), sorted, so that
    nobody's sheet can be put together. A whole one, by the numbers that a conflict of interest
    keeps from it, would tell whose it is."""
    desk = desk_of(request)
    async with desk.connection() as connection, connection.transaction():
        panel = await panel_of(request, connection)
        outcome = await load_outcome(connection, panel)
        if outcome is None or panel.rules is None:
            raise Refused(
                "scores are sealed until every expert has handed in, or two people close the round",
                zh="评分封存中：全部专家提交之前，或经两人批准结束本轮之前，不能查看。",
            )
        rounds = {}
        for asked in sorted(panel.ends):
            sheets: Sheets = await read_sheets(connection, panel.selection, asked)
            if asked == DISCUSSION:
                first = await read_sheets(connection, panel.selection, SCORING)
                sheets = final_sheets(first, sheets)
            rounds[str(asked)] = _by_candidate(panel, sheets)
        await record(
            connection,
            visitor(request).account.name,
            "exported",
            contest=panel.selection.slug,
            subject="scores of the panel",
        )
    value = {
        "selection": panel.selection.slug,
        "cut": panel.cut,
        "rules": panel.rules,
        "rounds": rounds,
        "standings": [_standing(one) for one in outcome.last or outcome.first],
        "ties": [
            {"numbers": one.tie.numbers, "ballots": one.ballots, "order": one.order}
            for one in outcome.settled
        ],
    }
    headers = {**NO_STORE, "content-disposition": 'attachment; filename="scores.json"'}
    return Response(msgspec.json.encode(value), 200, headers, media_type="application/json")


def _by_candidate(panel: Panel, sheets: Sheets) -> dict[str, list[Any]]:
    """By number what everybody said who judges that candidate; each list in an order of its own."""
    said: dict[str, list[Any]] = {}
    for account, content in sheets.items():
        for number, one in content.items():
            if int(number) not in panel.excluded(account):
                said.setdefault(number, []).append(one)
    return {
        number: sorted(said[number], key=lambda one: msgspec.json.encode(one, order="sorted"))
        for number in sorted(said, key=int)
    }


def _standing(one: Standing) -> dict[str, Any]:
    """The score as a fraction, exact, and as it is read."""
    return {
        "place": one.place,
        "number": one.number,
        "score": str(one.score),
        "rounded": score_text(one.score),
        "judges": one.judges,
    }


ROUTES = [
    Route(PREFIX, panel_page),
    Route(f"{PREFIX}/scores.json", scores),
    Route(f"{PREFIX}/candidates/{{number:int}}", candidate_page),
]
