"""Pages of online objections: those that wait first, the oldest at the top, and one of them
with the form for its answer.

The list shows nothing that was written; opening an objection is recorded in the audit log.
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.model import Contest
from voting_service.contests.objections.model import ANSWER_CHARACTERS, ObjectionTarget
from voting_service.contests.objections.repository import load_objections
from voting_service.contests.objections.service import (
    ANSWERERS,
    READERS,
    answer_online_objection,
    read_attachment,
    read_objection,
)
from voting_service.errors import InvalidInput, Refused
from voting_service.i18n.catalogues import load_catalogue
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS, page
from voting_service.sites.shared.signed_in.state import get_state

PREFIX = "/objections"
SHOWN = 100
_PAGE = re.compile(r"[1-9][0-9]{0,6}")


@signed_in(*READERS)
async def objections_page(request: Request) -> Response:
    """Show a page of the objections, those that wait for an answer first."""
    typed = request.query_params.get("page", "")
    number = int(typed) if _PAGE.fullmatch(typed) else 1
    async with get_state(request).connection() as connection:
        loaded = await load_objections(connection, SHOWN + 1, (number - 1) * SHOWN)
    rows = [(objection, _contest(request, objection.state.target)) for objection in loaded[:SHOWN]]
    return page(
        request,
        "objections/objections.html",
        rows=rows,
        earlier=number - 1,
        later=number + 1 if len(loaded) > SHOWN else None,
    )


@signed_in(*READERS)
async def objection_page(request: Request) -> Response:
    """Show one objection."""
    return await _objection_page(request)


@signed_in(*READERS)
async def attachment(request: Request) -> Response:
    """Return the PDF that came with an objection."""
    state, number = get_state(request), request.path_params["objection"]
    key = state.settings.master_key.get_secret_value()
    async with state.connection() as connection:
        actor = current_actor(request, connection)
        content = await read_attachment(actor, key, number, _contests(request))
    what = load_catalogue("objections", language(request))["attachment"]
    headers = {
        **PAGE_HEADERS,
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "content-disposition": content_disposition(f"{what}-{number}.pdf"),
    }
    return Response(content, 200, headers, media_type="application/pdf")


@signed_in(*ANSWERERS)
async def answer(request: Request) -> Response:
    """Store the answer. A refused form is shown again as it was filled in."""
    form = await read_form(request)
    number, text = request.path_params["objection"], form.get("answer", "").strip()
    state = get_state(request)
    try:
        async with state.connection() as connection:
            actor = current_actor(request, connection)
            key = state.settings.master_key.get_secret_value()
            await answer_online_objection(actor, key, number, text, _contests(request))
    except (InvalidInput, Refused) as error:
        return await _objection_page(request, text, error)
    return RedirectResponse(f"{PREFIX}/{number}?done=answered", 303)


async def _objection_page(
    request: Request, text: str = "", error: InvalidInput | Refused | None = None
) -> Response:
    state = get_state(request)
    async with state.connection() as connection:
        objection = await read_objection(
            current_actor(request, connection),
            state.settings.master_key.get_secret_value(),
            request.path_params["objection"],
            _contests(request),
        )
    return page(
        request,
        "objections/objection.html",
        status=200 if error is None else 422,
        objection=objection,
        about=_contest(request, objection.state.target),
        may_answer=current_user(request).account.role in ANSWERERS,
        text=text,
        error=error,
        limit=ANSWER_CHARACTERS,
        public_url=state.settings.public_url,
    )


def _contests(request: Request) -> list[Contest]:
    return list(contest_cache(request).contests.values())


def _contest(request: Request, target: ObjectionTarget) -> Contest | None:
    """Return the contest whose outcome is objected to; None for a notice."""
    return next((c for c in _contests(request) if c.id == target.contest_id), None)


ROUTES = [
    Route(PREFIX, objections_page),
    Route(f"{PREFIX}/{{objection:int}}", objection_page),
    Route(f"{PREFIX}/{{objection:int}}/attachment.pdf", attachment),
    Route(f"{PREFIX}/{{objection:int}}/answer", answer, methods=["POST"]),
]
