"""The ticks of the shortlist's draft: stored at each change, or by a button; and the question
before the shortlist is proposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import InvalidInput, Refused
from voting_service.i18n.formatting import written_moment
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import REVIEWERS
from voting_service.nomination.shortlist.draft import DraftChange, StoredDraft, save_draft
from voting_service.nomination.shortlist.pages import load_shortlist_page
from voting_service.nomination.shortlist.service import check_choice, propose_shortlist
from voting_service.sites.nomination.context import load_texts, selection_actor
from voting_service.sites.nomination.review.coverage_views import coverage_values
from voting_service.sites.nomination.shortlist.context import (
    SHORTLIST,
    decision_values,
    read_numbers,
)
from voting_service.sites.nomination.shortlist.views import shortlist_page
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form_lists
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state

DRAFT = f"{SHORTLIST}/draft"
QUESTION = f"{SHORTLIST}/propose"


async def _save(actor: SelectionActor, fields: Mapping[str, Sequence[str]]) -> StoredDraft:
    """Store the ticks. `seen` names those that the page showed as ticked, with commas."""
    seen = [text for text in "".join(fields.get("seen", ())).split(",") if text]
    return await save_draft(
        actor,
        read_numbers(list(fields.get("recommendation", ())), "recommendation"),
        read_numbers(seen, "recommendation"),
    )


@signed_in(*REVIEWERS)
async def save(request: Request) -> Response:
    """Store the ticks; with the button to propose, lead on to the question, or say on the page how
    many are missing."""
    fields = await read_form_lists(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        try:
            saved = await _save(actor, fields)
            if "propose" in fields.get("go", ()):
                check_choice(actor, saved.draft.chosen)
                path = QUESTION.replace("{slug}", request.path_params["slug"])
                return RedirectResponse(path, 303)
        except (InvalidInput, Refused) as error:
            return await shortlist_page(request, actor, error)
    return redirect_done(request, SHORTLIST, "draft_merged" if saved.theirs else "draft_saved")


@signed_in(*REVIEWERS)
async def save_tick(request: Request) -> Response:
    """Store the ticks for a script, and return what others have changed since."""
    fields = await read_form_lists(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        saved = await _save(actor, fields)
    zone, reader = actor.selection.zone, language(request)
    return JSONResponse(
        {
            "seen": ",".join(map(str, sorted(saved.draft.chosen))),
            "saved_at": written_moment(actor.now, zone, reader, seconds=True),
            "marks": {
                str(tick.recommendation_id): _mark(request, actor, tick)
                for tick in saved.draft.ticks.values()
            },
            "theirs": [tick.recommendation_id for tick in saved.theirs],
        },
        headers={"cache-control": "no-store"},
    )


def _mark(request: Request, actor: SelectionActor, tick: DraftChange) -> str:
    """Return who ticked or unticked somebody, and when."""
    words = load_texts(request, "shortlist")["draft"]["ticked" if tick.is_chosen else "unticked"]
    moment = written_moment(tick.changed_at, actor.selection.zone, language(request))
    return str(words.format(name=tick.changed_by, moment=moment))


@signed_in(*REVIEWERS)
async def ask(request: Request) -> Response:
    """Show who would be proposed, how they are distributed, and what cannot be undone."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        shown = await load_shortlist_page(actor)
        try:
            check_choice(actor, shown.draft.chosen)
        except (InvalidInput, Refused) as error:
            return await shortlist_page(request, actor, error)
    chosen = [shown.people[number] for number in sorted(shown.draft.chosen)]
    return page(
        request,
        "shortlist/propose.html",
        selection=actor.selection,
        chosen=sorted(chosen, key=lambda person: person.body.id),
        **coverage_values(request, actor.selection, chosen, actor.today),
        **decision_values(request),
    )


@signed_in(*REVIEWERS)
async def propose(request: Request) -> Response:
    """Propose the people whom the question listed. A refusal is shown with the draft."""
    fields = await read_form_lists(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        try:
            numbers = read_numbers(fields.get("recommendation", []), "recommendation")
            await propose_shortlist(actor, numbers)
        except (InvalidInput, Refused) as error:
            return await shortlist_page(request, actor, error)
    return redirect_done(request, SHORTLIST, "proposed")


ROUTES = [
    Route(SHORTLIST, propose, methods=["POST"]),
    Route(DRAFT, save, methods=["POST"]),
    Route(f"{DRAFT}.json", save_tick, methods=["POST"]),
    Route(QUESTION, ask),
]
