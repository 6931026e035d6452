"""The page of background jobs, and trying a failed one again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.model import Role
from voting_service.staff.actor import Actor
from voting_service.staff.jobs.model import MAX_ATTEMPTS
from voting_service.staff.jobs.service import list_jobs, try_again

READERS: tuple[Role, ...] = ("administrator",)
JOBS = "/jobs"
SHOWN = 100


@signed_in(*READERS)
async def jobs_page(request: Request) -> Response:
    """Show the newest jobs of all kinds, newest first."""
    async with get_state(request).connection() as connection:
        jobs = await list_jobs(connection, limit=SHOWN)
    return page(request, "jobs/jobs.html", jobs=jobs, shown=SHOWN, max_attempts=MAX_ATTEMPTS)


@signed_in(*READERS)
async def retry(request: Request) -> Response:
    """Try a failed or interrupted job again."""
    await read_form(request)
    state, account = get_state(request), current_user(request).account
    async with state.connection() as connection:
        actor = Actor(connection, account, state.clock())
        await try_again(actor, request.path_params["kind"], request.path_params["id"])
    return RedirectResponse(JOBS, 303)


ROUTES = [
    Route(JOBS, jobs_page),
    Route(f"{JOBS}/{{kind}}/{{id:int}}/retry", retry, methods=["POST"]),
]
