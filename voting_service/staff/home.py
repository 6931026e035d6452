"""The desk's first page: contests, and what waits for a second person."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.invitations import APPROVERS, load_invitations
from voting_service.accounts.model import GUESTS
from voting_service.contests.model import Contest
from voting_service.decisions.model import DECIDERS, Decision
from voting_service.decisions.store import load_decisions
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.rulings.holds import load_holds
from voting_service.staff.alarms.showing import NewAlarms, new_alarms
from voting_service.staff.decision_words import decision_in_words
from voting_service.staff.tally.reading import READERS

WAITING_SHOWN = 5
"""Of each contest; the rest is one line that leads to all of them."""


@signed_in()
async def home(request: Request) -> Response:
    """For the joint office's own; who recommends or judges is led to the selections."""
    if visitor(request).account.role in GUESTS:
        return RedirectResponse("/selections", 303)
    desk = desk_of(request)
    now = desk.clock()
    contests = sorted(desk.registry.contests.values(), key=lambda c: c.opens_at, reverse=True)
    may_look = visitor(request).account.role in READERS
    shown, waiting = [], []
    alarms: list[NewAlarms] = []
    async with desk.connection() as connection:
        for contest in contests:
            decisions = await load_decisions(connection, contest.id)
            holds = await load_holds(connection, contest, decisions=decisions)
            to_rule = sum(not hold.settled for hold in holds)
            shown.append({"contest": contest, "phase": contest.phase(now), "to_rule": to_rule})
            if may_look:
                alarms.append(await new_alarms(request, connection, contest))
            undecided = [decision for decision in decisions if decision.state == "waiting"]
            by_id = {hold.id: hold for hold in holds}
            rows = [
                {
                    "decision": decision,
                    "words": decision_in_words(request, decision, by_id),
                    "href": _place(contest, decision),
                }
                for decision in undecided[:WAITING_SHOWN]
            ]
            if rows:
                more = len(undecided) - len(rows)
                waiting.append({"contest": contest, "rows": rows, "more": more})
        invitations = 0
        if visitor(request).account.role in APPROVERS:
            found = await load_invitations(connection)
            invitations = sum(each.waits and each.is_open(now) for each in found)
    return page(
        request,
        "staff/home.html",
        contests=shown,
        waiting=waiting,
        invitations=invitations,
        alarms=alarms,
        may_look=may_look,
        may_see=visitor(request).account.role in DECIDERS,
    )


def _place(contest: Contest, decision: Decision) -> str:
    """Where a decision is looked at and approved."""
    below = {
        "ruling": f"holds/{decision.subject.partition('/')[0]}",
        "publication": "publication",
        "tie_order": "publication",
        "lot": "publication",
        "settings": "settings",
    }
    return f"/contests/{contest.slug}/{below[decision.kind]}"


ROUTES = [Route("/", home)]
