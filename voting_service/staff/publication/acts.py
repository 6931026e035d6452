"""What two people do: settle a tie, propose the document, approve it or turn it down.

Every act asks again who it is, and counts every ballot afresh.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.model import Account
from voting_service.contests.model import Contest, Text
from voting_service.contests.store import load_contest
from voting_service.cut.publication import (
    approve,
    propose_lot,
    propose_publication,
    propose_tie_order,
)
from voting_service.decisions.model import DECIDERS
from voting_service.decisions.store import decline, find_decision, load_decisions
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.moments import shown_from
from voting_service.desk.state import contest_of, desk_of
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.staff.publication.pages import KINDS, PREFIX, cautious_now
from voting_service.storage.postgres import Connection
from voting_service.storage.signed_file import load_signing_key
from voting_service.tally.recount import RECOUNT_TIMEOUT_SECONDS

_PLACE = re.compile(r"place-([1-9][0-9]{0,3})")


class Act(NamedTuple):
    """Who acts on which contest, when, and a connection on which a recount may take its time."""

    connection: Connection
    contest: Contest
    account: Account
    now: datetime


@asynccontextmanager
async def _acting(request: Request) -> AsyncIterator[Act]:
    """The contest is read anew: it may have been closed this second."""
    desk = desk_of(request)
    async with desk.long_connection(RECOUNT_TIMEOUT_SECONDS) as connection:
        contest = await load_contest(connection, contest_of(request).slug)
        now = await cautious_now(desk, connection)
        yield Act(connection, contest, visitor(request).account, now)


def _done(request: Request, what: str) -> Response:
    address = PREFIX.replace("{slug}", contest_of(request).slug)
    return RedirectResponse(f"{address}?done={what}", 303)


@signed_in(*DECIDERS, step_up=True)
async def propose_document(request: Request) -> Response:
    """Proposes the next version, from when on it is shown, and why, if it is a correction."""
    form = await read_form(request)
    zh, en = form.get("reason_zh", ""), form.get("reason_en", "")
    reason = Text(zh=zh, en=en) if zh.strip() or en.strip() else None
    async with _acting(request) as act:
        await propose_publication(
            act.connection,
            act.contest,
            act.account,
            key=load_signing_key(desk_of(request).settings.signing_key_file),
            now=act.now,
            visible_from=shown_from(form, act.contest.zone),
            reason=reason,
        )
    return _done(request, "proposed")


@signed_in(*DECIDERS, step_up=True)
async def propose_tie(request: Request) -> Response:
    """Proposes the committee's order, or the number drawn, as the contest's rule asks."""
    form = await read_form(request)
    async with _acting(request) as act:
        if act.contest.rules.cut.tie == "lot":
            drawn = form.get("drawn", "")
            await propose_lot(act.connection, act.contest, act.account, drawn, now=act.now)
        else:
            order = _order(form)
            await propose_tie_order(act.connection, act.contest, act.account, order, now=act.now)
    return _done(request, "proposed")


def _order(form: Mapping[str, str]) -> tuple[int, ...]:
    """From fields `place-17` = 2, `place-23` = 1. Raises InvalidInput unless each place from 1 on
    is given once."""
    places: dict[int, int] = {}
    for name, text in form.items():
        match = _PLACE.fullmatch(name)
        if match is None or not re.fullmatch(r"[1-9][0-9]{0,3}", text):
            raise InvalidInput(Fault(name, "must be a place: 1, 2, …", "名次须为 1、2、3 等整数。"))
        places[int(text)] = int(match[1])
    if sorted(places) != list(range(1, len(form) + 1)):
        raise InvalidInput(
            Fault(
                "order",
                "give every place from 1 on to exactly one of the tied",
                "请从 1 起排定次序，每位一个名次，不重复。",
            )
        )
    return tuple(places[place] for place in sorted(places))


@signed_in(*DECIDERS, step_up=True)
async def approve_decision(request: Request) -> Response:
    """The second person's word; a publication is made in the same moment."""
    await read_form(request)
    async with _acting(request) as act:
        decision = await approve(
            act.connection,
            act.contest,
            act.account,
            request.path_params["decision"],
            key=load_signing_key(desk_of(request).settings.signing_key_file),
            now=act.now,
        )
    return _done(request, "published" if decision.kind == "publication" else "approved")


@signed_in(*DECIDERS)
async def decline_decision(request: Request) -> Response:
    """Turns a proposal about the cut down, or takes one's own back."""
    form = await read_form(request)
    desk, contest = desk_of(request), contest_of(request)
    wanted = request.path_params["decision"]
    async with desk.connection() as connection:
        decision = find_decision(await load_decisions(connection, contest.id), wanted)
        if decision.kind not in KINDS:
            raise NotFound(f"decision {wanted} is not about the cut")
        await decline(
            connection,
            contest,
            visitor(request).account,
            decision,
            form.get("because", ""),
            now=desk.clock(),
        )
    return _done(request, "declined")


ROUTES = [
    Route(f"{PREFIX}/proposals", propose_document, methods=["POST"]),
    Route(f"{PREFIX}/tie", propose_tie, methods=["POST"]),
    Route(f"{PREFIX}/decisions/{{decision:int}}/approve", approve_decision, methods=["POST"]),
    Route(f"{PREFIX}/decisions/{{decision:int}}/decline", decline_decision, methods=["POST"]),
]
