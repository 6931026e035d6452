"""What reviewers do with one recommendation: give verdicts and write notes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import get_args
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import REVIEWERS
from voting_service.nomination.recommendations.model import Verdict
from voting_service.nomination.review import service
from voting_service.nomination.review.filtering import QueueFilter
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.review.filter_address import filter_query, read_filter
from voting_service.sites.nomination.review.recommendation_views import recommendation_page
from voting_service.sites.nomination.review.views import RECOMMENDATION
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.form_times import local_moment
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.state import get_state

REVIEWER_VERDICTS: tuple[Verdict, ...] = tuple(v for v in get_args(Verdict) if v != "withdrawn")


@signed_in(*REVIEWERS)
async def give_verdict(request: Request) -> Response:
    """Accept, return, reject or reopen a recommendation, and go on to the next one of the filter,
    or back to the list after the last; with `act=score` only give the preliminary score and stay. A
    refusal is shown with the form as it was filled in."""
    form = await read_form(request)
    here = request.url.path.removesuffix("/verdict")
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        queue_filter = read_filter(request, actor.keys)
        number = request.path_params["recommendation"]
        place = await service.view_place(actor, number, queue_filter)
        try:
            if form.get("act") == "score":
                await service.give_score(actor, number, _read_score(form))
                return _onward(actor, here, queue_filter, "scored")
            decision = _read_decision(form, actor.selection.zone)
            await service.decide(actor, number, decision)
        except (InvalidInput, Refused) as error:
            return await recommendation_page(request, actor, form, error)
    queue = here.rpartition("/")[0]
    if place.following is None:
        whole = msgspec.structs.replace(queue_filter, since="")
        return _onward(actor, queue, whole, decision.verdict, number)
    return _onward(actor, f"{queue}/{place.following}", queue_filter, decision.verdict, number)


def _onward(
    actor: SelectionActor, path: str, queue_filter: QueueFilter, done: str, number: int = 0
) -> Response:
    """Redirect to a page with the filter kept, and with what was done to the recommendation
    `number`, unless it is the page's own."""
    query = {"done": done, **({"of": number} if number else {})}
    kept = filter_query(queue_filter, actor.keys) or "?"
    return RedirectResponse(f"{path}{kept}{'&' if kept != '?' else ''}{urlencode(query)}", 303)


def _read_decision(form: Mapping[str, str], zone: tzinfo) -> service.Decision:
    """Return what was posted. Raises InvalidInput."""
    verdict, until = _chosen_verdict(form), None
    if verdict == "returned" and form.get("until"):
        until = local_moment(form["until"], "until", zone)
    score = _read_score(form) if form.get("score", "").strip() else None
    return service.Decision(verdict, form.get("reason", ""), until, score)


def _read_score(form: Mapping[str, str]) -> int:
    """Return the posted score; one that cannot be read is -1, which no scale has."""
    text = form.get("score", "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else -1


def _chosen_verdict(form: Mapping[str, str]) -> Verdict:
    for verdict in REVIEWER_VERDICTS:
        if verdict == form.get("verdict"):
            return verdict
    raise InvalidInput(Fault("verdict", "sites.nomination.review.choose_verdict"))


@signed_in(*REVIEWERS)
async def add_note(request: Request) -> Response:
    """Add a note for other reviewers; officers never see it."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        number = request.path_params["recommendation"]
        try:
            await service.add_note(actor, number, form.get("note", ""))
        except InvalidInput as error:
            return await recommendation_page(request, actor, form, error)
        queue_filter = read_filter(request, actor.keys)
    return _onward(actor, request.url.path.removesuffix("/notes"), queue_filter, "noted")


ROUTES = [
    Route(f"{RECOMMENDATION}/verdict", give_verdict, methods=["POST"]),
    Route(f"{RECOMMENDATION}/notes", add_note, methods=["POST"]),
]
