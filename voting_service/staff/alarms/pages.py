"""Alarms: what is new, what was raised, and who has seen it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.antifraud.alarm_store import load_alarms, mark_seen
from voting_service.decisions.model import DECIDERS
from voting_service.desk.access import safe_next, signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import contest_of, desk_of
from voting_service.staff.alarms.showing import new_alarms, shown_alarms
from voting_service.staff.tally.reading import READERS

ALARMS = "/contests/{slug}/alarms"
SHOWN = 200


@signed_in(*READERS)
async def alarms_page(request: Request) -> Response:
    """The newest alarms, seen or not."""
    contest = contest_of(request)
    async with desk_of(request).connection() as connection:
        found = await load_alarms(connection, contest.id, limit=SHOWN)
    return page(
        request,
        "alarms/alarms.html",
        contest=contest,
        alarms=shown_alarms(request, contest, found),
        shown_most=SHOWN,
        may_see=visitor(request).account.role in DECIDERS,
    )


@signed_in(*READERS)
async def new_part(request: Request) -> Response:
    """What stands on top of a contest's page, for its refresh."""
    contest = contest_of(request)
    async with desk_of(request).connection() as connection:
        found = await new_alarms(request, connection, contest)
    return page(
        request,
        "alarms/new.html",
        contest=contest,
        new_alarms=found,
        back=f"/contests/{contest.slug}",
        may_see=visitor(request).account.role in DECIDERS,
    )


@signed_in(*DECIDERS)
async def see(request: Request) -> Response:
    """Somebody has looked at an alarm: it leaves the top of the pages for everybody."""
    form = await read_form(request)
    desk, contest = desk_of(request), contest_of(request)
    async with desk.connection() as connection:
        await mark_seen(
            connection,
            contest,
            request.path_params["alarm"],
            visitor(request).account.name,
            desk.clock(),
        )
    return RedirectResponse(safe_next(form.get("back", "/")), 303)


ROUTES = [
    Route(ALARMS, alarms_page),
    Route(f"{ALARMS}/new", new_part),
    Route(f"{ALARMS}/{{alarm:int}}/seen", see, methods=["POST"]),
]
