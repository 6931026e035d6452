"""Decide a tie, propose the document, approve or decline a request.

Every action needs a recently confirmed identity and recounts all ballots.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.model import Contest
from voting_service.contests.repository import load_contest
from voting_service.errors import (
    Fault,
    InvalidInput,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.declining import decline_from_form
from voting_service.sites.console.publication.views import (
    PREFIX,
    conservative_now,
)
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.form_times import shown_from
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import DECIDERS
from voting_service.voting.cut.approval_kinds import PUBLICATION
from voting_service.voting.cut.publication import (
    approve,
    decline_cut_request,
    propose_lot,
    propose_publication,
    propose_tie_order,
)
from voting_service.voting.tally.recount import RECOUNT_TIMEOUT_SECONDS

_PLACE = re.compile(r"place-([1-9][0-9]{0,3})")


@asynccontextmanager
async def _acting(request: Request) -> AsyncIterator[tuple[Actor, Contest]]:
    """Open a connection with enough time for a recount, and reload the contest, which may just have
    closed."""
    state = get_state(request)
    async with state.long_connection(RECOUNT_TIMEOUT_SECONDS) as connection:
        contest = await load_contest(connection, contest_from_path(request).slug)
        now = await conservative_now(state, connection)
        yield Actor(connection, current_user(request).account, now), contest


@signed_in(*DECIDERS, step_up=True)
async def propose_document(request: Request) -> Response:
    """Propose the next version, when it becomes public and, for a correction, why."""
    form = await read_form(request)
    zh, en = form.get("reason_zh", ""), form.get("reason_en", "")
    reason = Text(zh=zh, en=en) if zh.strip() or en.strip() else None
    async with _acting(request) as (actor, contest):
        await propose_publication(
            actor,
            contest,
            key=load_signing_key(get_state(request).settings.signing_key_file),
            visible_from=shown_from(form, contest.zone),
            reason=reason,
        )
    return redirect_done(request, PREFIX, "proposed")


@signed_in(*DECIDERS, step_up=True)
async def propose_tie(request: Request) -> Response:
    """Propose the committee's order or the number drawn, by the contest's tie rule."""
    form = await read_form(request)
    async with _acting(request) as (actor, contest):
        if contest.rules.cut.tie == "lot":
            drawn = form.get("drawn", "")
            await propose_lot(actor, contest, drawn)
        else:
            order = _order(form)
            await propose_tie_order(actor, contest, order)
    return redirect_done(request, PREFIX, "proposed")


def _order(form: Mapping[str, str]) -> tuple[int, ...]:
    """Return the candidates by place, from fields `place-17` = 2, `place-23` = 1. Raises
    InvalidInput unless each place from 1 is given once."""
    places: dict[int, int] = {}
    for name, text in form.items():
        match = _PLACE.fullmatch(name)
        if match is None or not re.fullmatch(r"[1-9][0-9]{0,3}", text):
            raise InvalidInput(Fault(name, "sites.console.publication.place_format"))
        places[int(text)] = int(match[1])
    if sorted(places) != list(range(1, len(form) + 1)):
        raise InvalidInput(Fault("order", "sites.console.publication.places_incomplete"))
    return tuple(places[place] for place in sorted(places))


@signed_in(*DECIDERS, step_up=True)
async def approve_request(request: Request) -> Response:
    """Approve a request; a publication is published at once."""
    await read_form(request)
    async with _acting(request) as (actor, contest):
        approval = await approve(
            actor,
            contest,
            request.path_params["approval"],
            key=load_signing_key(get_state(request).settings.signing_key_file),
        )
    return redirect_done(
        request, PREFIX, "published" if approval.kind == PUBLICATION.name else "approved"
    )


@signed_in(*DECIDERS)
async def decline_request(request: Request) -> Response:
    """Decline a request about the cut, or withdraw one's own."""
    await decline_from_form(request, decline_cut_request)
    return redirect_done(request, PREFIX, "declined")


ROUTES = [
    Route(f"{PREFIX}/proposals", propose_document, methods=["POST"]),
    Route(f"{PREFIX}/tie", propose_tie, methods=["POST"]),
    Route(f"{PREFIX}/approvals/{{approval:int}}/approve", approve_request, methods=["POST"]),
    Route(f"{PREFIX}/approvals/{{approval:int}}/decline", decline_request, methods=["POST"]),
]
