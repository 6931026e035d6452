"""The page after sign-in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.nomination.repository import load_selections
from voting_service.sites.console.alarms.presentation import new_alarms
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.console.tally_reads import READERS
from voting_service.sites.home.approvals import load_tables
from voting_service.sites.home.tasks import TaskReader, load_tasks
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import DECIDERS


@signed_in()
async def home(request: Request) -> Response:
    """Show what waits for the user, to those who watch the vote its contests, and to all but those
    who only count votes the selections."""
    state, role = get_state(request), current_user(request).account.role
    contests = sorted(
        contest_cache(request).contests.values() if role in READERS else (),
        key=lambda contest: contest.opens_at,
        reverse=True,
    )
    async with state.connection() as connection:
        selections = {stored.id: stored for stored in await load_selections(connection)}
        tables = await load_tables(request, connection, selections)
        tasks = await load_tasks(TaskReader(request, connection, selections))
        alarms = [await new_alarms(request, connection, contest) for contest in contests]
    return page(
        request,
        "home/home.html",
        tables=tables,
        tasks=tasks,
        alarms=alarms,
        contests=[(contest, contest.phase(state.clock())) for contest in contests],
        may_look=role in READERS,
        selections=() if role == "tally_clerk" else tuple(selections.values()),
        now=None if role == "expert" else state.clock(),
        may_see=role in DECIDERS,
    )


ROUTES = [Route("/", home)]
