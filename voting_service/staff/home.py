"""The desk's first page: contests, and what waits for a second person."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.decisions.store import load_decisions
from voting_service.desk.access import signed_in
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of


@signed_in()
async def home(request: Request) -> Response:
    """For every role."""
    desk = desk_of(request)
    now = desk.clock()
    contests = sorted(desk.registry.contests.values(), key=lambda c: c.opens_at, reverse=True)
    waiting = []
    async with desk.connection() as connection:
        for contest in contests:
            for decision in await load_decisions(connection, contest.id):
                if decision.state == "waiting":
                    href = f"/contests/{contest.slug}/decisions"
                    waiting.append({"contest": contest, "decision": decision, "href": href})
    return page(
        request,
        "staff/home.html",
        contests=[{"contest": contest, "phase": contest.phase(now)} for contest in contests],
        waiting=waiting,
    )


ROUTES = [Route("/", home)]
