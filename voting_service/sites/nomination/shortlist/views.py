"""The shortlist page: the choice before it is approved, the shortlist and its next step after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import InvalidInput, Refused
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import READERS
from voting_service.nomination.review.coverage import DIMENSIONS, traits
from voting_service.nomination.review.filtering import QueueFilter, apply_filter
from voting_service.nomination.settings.approval_kinds import SELECTION_SETTINGS
from voting_service.nomination.shortlist.contest_file import default_settings
from voting_service.nomination.shortlist.model import (
    SEED,
    SOURCE,
    find_approved,
    waiting_approvals,
)
from voting_service.nomination.shortlist.pages import load_shortlist_page
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.review.coverage_views import coverage_values
from voting_service.sites.nomination.shortlist.context import (
    SHORTLIST,
    decision_values,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

CHOICE_SORTS = ("body", "industry", "-preliminary_score")


@signed_in(*READERS)
async def show_shortlist(request: Request) -> Response:
    """Accepted people to choose from; once the shortlist is approved, its people and next steps."""
    async with get_state(request).connection() as connection:
        return await shortlist_page(request, await selection_actor(request, connection))


async def shortlist_page(
    request: Request, actor: SelectionActor, error: InvalidInput | Refused | None = None
) -> Response:
    """Show the shortlist or the choice of it, after a refusal with what is wrong."""
    state = get_state(request)
    shown = await load_shortlist_page(actor)
    selection, today = actor.selection, actor.today
    people_traits = {person.id: traits(person, today) for person in shown.accepted}
    reader = language(request)
    return page(
        request,
        "shortlist/shortlist.html" if shown.entries else "shortlist/choose.html",
        status=200 if error is None else 422 if isinstance(error, InvalidInput) else 409,
        selection=selection,
        entries=shown.entries,
        people=shown.people,
        accepted=apply_filter(
            shown.accepted, QueueFilter(sort=request.query_params.get("sort", ""))
        ),
        sort=request.query_params.get("sort", ""),
        sorts=CHOICE_SORTS,
        draft=shown.draft,
        chosen_traits=count_traits(people_traits[number] for number in shown.draft.chosen),
        open_reviews=sum(person.state == "submitted" for person in shown.people.values()),
        is_over=actor.now >= selection.closes_at,
        traits=people_traits,
        proposed=shown.proposed,
        extension_waits=any(
            change.subject.startswith("deadline/")
            for change in waiting_approvals(shown.approvals, [SELECTION_SETTINGS.name])
        ),
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
        error=error.text(reader) if isinstance(error, Refused) else "",
        faults=[fault.text(reader) for fault in error.faults]
        if isinstance(error, InvalidInput)
        else [],
        **coverage_values(request, selection, shown.shortlisted or shown.accepted, today),
        **decision_values(request),
    )


def count_traits(people: Iterable[Mapping[str, str]]) -> Counter[tuple[str, str]]:
    """Return how many people have each value of each dimension."""
    return Counter((dimension, person[dimension]) for person in people for dimension in DIMENSIONS)


ROUTES = [Route(SHORTLIST, show_shortlist)]
