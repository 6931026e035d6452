"""What reviewers do with one recommendation: give verdicts and write notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.nomination.model import REVIEWERS
from voting_service.nomination.recommendations.model import Verdict
from voting_service.nomination.review import service
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.review.views import (
    RECOMMENDATION,
    recommendation_page,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.form_times import local_moment
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.state import get_state

REVIEWER_VERDICTS: tuple[Verdict, ...] = tuple(v for v in get_args(Verdict) if v != "withdrawn")


@signed_in(*REVIEWERS)
async def give_verdict(request: Request) -> Response:
    """Accept, return, reject or reopen a recommendation. A refusal is shown with the form as it
    was filled in."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        try:
            verdict = _chosen_verdict(form)
            number, until = request.path_params["recommendation"], None
            if verdict == "returned" and form.get("until"):
                until = local_moment(form["until"], "until", actor.selection.zone)
            await service.give_verdict(actor, number, verdict, form.get("reason", ""), until)
        except (InvalidInput, Refused) as error:
            return await recommendation_page(request, actor, form, error)
    return RedirectResponse(f"{request.url.path.removesuffix('/verdict')}?done={verdict}", 303)


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
    return RedirectResponse(f"{request.url.path.removesuffix('/notes')}?done=noted", 303)


ROUTES = [
    Route(f"{RECOMMENDATION}/verdict", give_verdict, methods=["POST"]),
    Route(f"{RECOMMENDATION}/notes", add_note, methods=["POST"]),
]
