"""The shortlist page: the choice before it is approved, the shortlist and its next step after."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.nomination.model import READERS
from voting_service.nomination.review.coverage import traits
from voting_service.nomination.shortlist.contest_file import default_settings
from voting_service.nomination.shortlist.model import (
    SEED,
    SOURCE,
    find_approved,
    waiting_approvals,
)
from voting_service.nomination.shortlist.pages import load_shortlist_page
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.review.views import coverage_values
from voting_service.sites.nomination.shortlist.context import (
    SHORTLIST,
    decision_values,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state


@signed_in(*READERS)
async def shortlist_page(request: Request) -> Response:
    """Accepted people to choose from; once the shortlist is approved, its people and next steps."""
    state = get_state(request)
    async with state.connection() as connection:
        actor = await selection_actor(request, connection)
        shown = await load_shortlist_page(actor)
    selection = actor.selection
    today = actor.today
    accepted = shown.accepted
    return page(
        request,
        "shortlist/shortlist.html" if shown.entries else "shortlist/choose.html",
        selection=selection,
        entries=shown.entries,
        people=shown.people,
        accepted=accepted,
        open_reviews=sum(person.state == "submitted" for person in shown.people.values()),
        is_over=actor.now >= selection.closes_at,
        traits={person.id: traits(person, today) for person in accepted},
        proposed=shown.proposed,
        waiting=waiting_approvals(shown.approvals),
        source=find_approved(shown.approvals, "draw", SOURCE),
        seed=find_approved(shown.approvals, "draw", SEED),
        draw=shown.draw,
        profiles=shown.profiles,
        profiles_are_ready=shown.profiles_are_ready,
        notices=shown.notices,
        blocker=shown.blocker,
        now=actor.now,
        settings_text=default_settings(selection, actor.now),
        public_url=state.settings.public_url.rstrip("/"),
        **coverage_values(request, selection, shown.shortlisted or accepted, today),
        **decision_values(request),
    )


ROUTES = [Route(SHORTLIST, shortlist_page)]
