"""The console's home page: contests, and what is waiting for approval."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.drafts.repository import load_drafts
from voting_service.contests.model import Contest
from voting_service.contests.objections.repository import count_unanswered
from voting_service.contests.objections.service import ANSWERERS
from voting_service.sites.console.alarms.presentation import NewAlarms, new_alarms
from voting_service.sites.console.approval_descriptions import describe_approval
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.console.drafts.views import waiting_request
from voting_service.sites.console.messages.views import READERS as MESSAGE_READERS
from voting_service.sites.console.tally_reads import READERS
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.invitations import APPROVERS, load_invitations
from voting_service.staff.accounts.model import GUESTS
from voting_service.staff.approvals.model import DECIDERS, ApprovalRequest
from voting_service.staff.approvals.repository import load_approvals, load_contest_approvals
from voting_service.staff.messages.service import count_failed
from voting_service.voting.rulings.repository import load_holds

WAITING_SHOWN = 5
"""How many requests of a contest are shown; one link leads to the rest."""


@signed_in()
async def home(request: Request) -> Response:
    """Show the home page to staff; redirect officers and experts to their selections."""
    if current_user(request).account.role in GUESTS:
        return RedirectResponse("/selections", 303)
    state = get_state(request)
    now = state.clock()
    contests = sorted(
        contest_cache(request).contests.values(), key=lambda c: c.opens_at, reverse=True
    )
    may_look = current_user(request).account.role in READERS
    shown, waiting = [], []
    alarms: list[NewAlarms] = []
    async with state.connection() as connection:
        for contest in contests:
            approvals = await load_contest_approvals(connection, contest.id)
            holds = await load_holds(connection, contest, decisions=approvals)
            to_rule = sum(not hold.is_ruled for hold in holds)
            shown.append({"contest": contest, "phase": contest.phase(now), "to_rule": to_rule})
            if may_look:
                alarms.append(await new_alarms(request, connection, contest))
            undecided = [approval for approval in approvals if approval.state == "waiting"]
            by_id = {hold.id: hold for hold in holds}
            rows = [
                {
                    "approval": approval,
                    "words": describe_approval(request, contest, approval, by_id),
                    "href": _place(contest, approval),
                }
                for approval in undecided[:WAITING_SHOWN]
            ]
            if rows:
                more = len(undecided) - len(rows)
                waiting.append({"contest": contest, "rows": rows, "more": more})
        drafts = []
        if may_look:
            for draft in await load_drafts(connection):
                request_of_draft = waiting_request(
                    await load_approvals(connection, "draft", draft.id)
                )
                if request_of_draft is not None:
                    drafts.append({"draft": draft, "approval": request_of_draft})
        objections = 0
        if current_user(request).account.role in ANSWERERS:
            objections = await count_unanswered(connection)
        undelivered = 0
        if current_user(request).account.role in MESSAGE_READERS:
            undelivered = await count_failed(connection, now)
        invitations = 0
        if current_user(request).account.role in APPROVERS:
            loaded = await load_invitations(connection)
            invitations = sum(invitation.waits and invitation.is_open(now) for invitation in loaded)
    return page(
        request,
        "console/home.html",
        contests=shown,
        waiting=waiting,
        drafts=drafts,
        invitations=invitations,
        objections=objections,
        undelivered=undelivered,
        alarms=alarms,
        may_look=may_look,
        may_see=current_user(request).account.role in DECIDERS,
    )


def _place(contest: Contest, approval: ApprovalRequest) -> str:
    """Return the address where a request is reviewed."""
    below = {
        "ruling": f"holds/{approval.subject.partition('/')[0]}",
        "publication": "publication",
        "tie_order": "publication",
        "lot": "publication",
        "settings": "settings",
        "platform": "settings",
        "profile_correction": "corrections",
        "withdrawal": "corrections",
    }
    return f"/contests/{contest.slug}/{below[approval.kind]}"


ROUTES = [Route("/", home)]
