"""The page of alarms, and marking one as seen."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.antifraud.alarms.repository import load_alarms, mark_seen
from voting_service.sites.console.alarms.presentation import new_alarms, shown_alarms
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.tally_reads import READERS
from voting_service.sites.shared.signed_in.access import (
    current_user,
    safe_next,
    signed_in,
)
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import DECIDERS

ALARMS = "/contests/{slug}/alarms"
SHOWN = 200


@signed_in(*READERS)
async def alarms_page(request: Request) -> Response:
    """Show the newest alarms, seen or not."""
    contest = contest_from_path(request)
    async with get_state(request).connection() as connection:
        alarms = await load_alarms(connection, contest.id, limit=SHOWN)
    return page(
        request,
        "alarms/alarms.html",
        contest=contest,
        alarms=shown_alarms(request, contest, alarms),
        shown_most=SHOWN,
        may_see=current_user(request).account.role in DECIDERS,
    )


@signed_in(*READERS)
async def new_part(request: Request) -> Response:
    """Return the unseen alarms at the top of a contest's page, for its refresh."""
    contest = contest_from_path(request)
    async with get_state(request).connection() as connection:
        alarms = await new_alarms(request, connection, contest)
    return page(
        request,
        "alarms/new.html",
        contest=contest,
        new_alarms=alarms,
        back=f"/contests/{contest.slug}",
        may_see=current_user(request).account.role in DECIDERS,
    )


@signed_in(*DECIDERS)
async def see(request: Request) -> Response:
    """Mark an alarm as seen, for all users."""
    form = await read_form(request)
    state, contest = get_state(request), contest_from_path(request)
    async with state.connection() as connection:
        await mark_seen(
            connection,
            contest,
            request.path_params["alarm"],
            current_user(request).account.name,
            state.clock(),
        )
    return RedirectResponse(safe_next(form.get("back", "/")), 303)


ROUTES = [
    Route(ALARMS, alarms_page),
    Route(f"{ALARMS}/new", new_part),
    Route(f"{ALARMS}/{{alarm:int}}/seen", see, methods=["POST"]),
]
