"""An officer's recommendations, how many places are left, and how much time."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.decisions.store import load_selection_decisions
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.journal.record import record
from voting_service.office.asked import selection_of
from voting_service.office.model import TAKES_A_PLACE
from voting_service.office.recommendations.asked import PREFIX, keys_of, path_of
from voting_service.office.recommendations.model import late_permissions
from voting_service.office.recommendations.reading import (
    load_conflicts,
    load_recommendations,
    load_reviews,
)
from voting_service.office.recommendations.store import create_draft
from voting_service.office.store import body_of, load_bodies


@signed_in("recommender")
async def recommendations(request: Request) -> Response:
    """All of the officer's own body."""
    desk, keys, account = desk_of(request), keys_of(request), visitor(request).account
    now = desk.clock()
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        body = await body_of(connection, account)
        found = await load_recommendations(connection, keys, selection, body=body)
        if found:
            await record(
                connection, account.name, "viewed", contest=selection.slug,
                subject=f"recommendations of {body.slug}",
            )  # fmt: skip
        reasons = {
            each.id: (await load_reviews(connection, keys, each.id))[-1].reason
            for each in found
            if each.state == "returned"
        }
        permitted = late_permissions(await load_selection_decisions(connection, selection.id))
        conflicts = [
            each
            for each in await load_conflicts(connection, selection)
            if body.id in {each.body_id, each.holder_body_id}
        ]
        names = {each.id: each.name for each in await load_bodies(connection)}
    taken = sum(each.state in TAKES_A_PLACE for each in found)
    return page(
        request,
        "recommendations/list.html",
        selection=selection,
        body=body,
        found=tuple(reversed(found)),
        reasons=reasons,
        permitted={number: until for number, until in permitted.items() if until > now},
        conflicts=conflicts,
        names=names,
        taken=taken,
        quota=selection.quota(body.kind),
        now=now,
        left=max(selection.closes_at - now, timedelta()),
        done=request.query_params.get("done", ""),
    )


@signed_in("recommender")
async def begin(request: Request) -> Response:
    """Makes an empty draft, and leads to its first step."""
    await read_form(request)
    desk, account = desk_of(request), visitor(request).account
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        body = await body_of(connection, account)
        made = await create_draft(
            connection, keys_of(request), selection, body=body, account=account
        )
    return RedirectResponse(f"{path_of(selection, made)}/steps/person", 303)


ROUTES = [
    Route(PREFIX, recommendations),
    Route(f"{PREFIX}/new", begin, methods=["POST"]),
]
