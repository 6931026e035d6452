"""What reviewers do: give verdicts, write notes, assign recommendations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import get_args
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.nomination.model import REVIEWERS
from voting_service.nomination.recommendations.model import Verdict
from voting_service.nomination.review import service
from voting_service.nomination.review.filtering import QueueFilter
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.review.kept_filter import filter_query, read_filter
from voting_service.sites.nomination.review.recommendation_views import recommendation_page
from voting_service.sites.nomination.review.views import RECOMMENDATION, REVIEW
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.form_times import local_moment
from voting_service.sites.shared.signed_in.forms import read_form, read_form_lists
from voting_service.sites.shared.signed_in.state import get_state

REVIEWER_VERDICTS: tuple[Verdict, ...] = tuple(v for v in get_args(Verdict) if v != "withdrawn")
_NUMBER = re.compile(r"[0-9]{1,9}")


@signed_in(*REVIEWERS)
async def give_verdict(request: Request) -> Response:
    """Accept, return, reject or reopen a recommendation, and go on to the next one of the filter,
    or back to the list after the last; with `act=score` only give the preliminary score and stay. A
    refusal is shown with the form as it was filled in."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        number, queue_filter = request.path_params["recommendation"], read_filter(request)
        place = await service.view_place(actor, number, queue_filter)
        try:
            if form.get("act") == "score":
                await service.give_score(actor, number, _read_score(form))
                kept = _query(request, queue_filter, "done=scored")
                return RedirectResponse(f"{request.url.path.removesuffix('/verdict')}?{kept}", 303)
            decision = _read_decision(form, actor.selection.zone)
            await service.decide(actor, number, decision)
        except (InvalidInput, Refused) as error:
            return await recommendation_page(request, actor, form, error)
    queue = request.url.path.removesuffix(f"/{number}/verdict")
    done = urlencode({"done": decision.verdict, "of": number})
    if place.following is None:
        whole = msgspec.structs.replace(queue_filter, since="")
        return RedirectResponse(f"{queue}?{_query(request, whole, done)}", 303)
    onward = f"{queue}/{place.following}?{_query(request, queue_filter, done)}"
    return RedirectResponse(onward, 303)


def _query(request: Request, queue_filter: QueueFilter, done: str) -> str:
    return "&".join(filter(None, (filter_query(request, queue_filter), done)))


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
    return int(text) if _NUMBER.fullmatch(text) else -1


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
        kept = _query(request, read_filter(request), "done=noted")
    return RedirectResponse(f"{request.url.path.removesuffix('/notes')}?{kept}", 303)


@signed_in(*REVIEWERS)
async def assign(request: Request) -> Response:
    """Assign recommendations to a reviewer, or to nobody."""
    fields = await read_form_lists(request)
    numbers = fields.get("recommendation", [])
    if not numbers or not all(_NUMBER.fullmatch(number) for number in numbers):
        raise InvalidInput(Fault("recommendation", "sites.nomination.review.none_chosen"))
    assignee = (fields.get("assignee") or [""])[0]
    async with get_state(request).connection() as connection:
        await service.assign(
            await selection_actor(request, connection),
            [int(number) for number in numbers],
            int(assignee) if _NUMBER.fullmatch(assignee) else None,
        )
    return RedirectResponse(f"{request.url.path.removesuffix('/assign')}?done=assigned", 303)


ROUTES = [
    Route(f"{REVIEW}/assign", assign, methods=["POST"]),
    Route(f"{RECOMMENDATION}/verdict", give_verdict, methods=["POST"]),
    Route(f"{RECOMMENDATION}/notes", add_note, methods=["POST"]),
]
