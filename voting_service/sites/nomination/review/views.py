"""The review queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.nomination.model import READERS, REVIEWERS, Selection, State
from voting_service.nomination.review.coverage import coverage, dimension_labels
from voting_service.nomination.review.filtering import QueueFilter
from voting_service.nomination.review.repository import SubmittedRecommendation
from voting_service.nomination.review.service import view_queue
from voting_service.sites.nomination.context import load_texts, personal_keys, selection_actor
from voting_service.sites.nomination.review.filter_address import filter_query, read_filter
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

REVIEW = "/selections/{slug}/review"
RECOMMENDATION = f"{REVIEW}/{{recommendation:int}}"
QUEUE_STATES: tuple[State, ...] = ("submitted", "returned", "accepted", "rejected", "withdrawn")


@signed_in(*READERS)
async def show_queue(request: Request) -> Response:
    """Show the submitted recommendations that match the filter of the address."""
    return await _queue_page(request, read_filter(request, personal_keys(request)))


@signed_in(*READERS)
async def search_queue(request: Request) -> Response:
    """Show the submitted recommendations that match the posted filter."""
    return await _queue_page(request, QueueFilter.of(await read_form(request)))


async def _queue_page(request: Request, queue_filter: QueueFilter) -> Response:
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        queue = await view_queue(actor, queue_filter)
    all_submitted = queue.all_submitted
    states = [submitted.state for submitted in all_submitted]
    present = [submitted for submitted in all_submitted if submitted.state != "withdrawn"]
    return page(
        request,
        "review/queue.html",
        selection=actor.selection,
        filter=queue_filter,
        query=filter_query(queue_filter, actor.keys),
        of=find_done_number(request),
        shown=queue.shown,
        reviewers=queue.reviewers,
        states={state: states.count(state) for state in QUEUE_STATES},
        bodies=sorted(
            {recommendation.body for recommendation in all_submitted}, key=lambda body: body.id
        ),
        chains=sorted({recommendation.form.chain for recommendation in all_submitted} - {""}),
        may_review=current_user(request).account.role in REVIEWERS,
        **coverage_values(request, actor.selection, present, actor.today),
    )


def find_done_number(request: Request) -> str:
    """Return the number of the recommendation that the message `done` is about, or ""."""
    number = request.query_params.get("of", "")
    return number if number.isascii() and number.isdecimal() else ""


def coverage_values(
    request: Request, selection: Selection, people: Iterable[SubmittedRecommendation], today: date
) -> dict[str, Any]:
    """Return the values of the template `review/coverage.html`."""
    people = list(people)
    reader = language(request)
    texts = load_texts(request, "review")
    names = {submitted.body.slug: str(getattr(submitted.body.name, reader)) for submitted in people}
    dimension_texts: Mapping[str, Mapping[str, str]] = {
        "central_unit": texts["central_units"],
        "sex": texts["sexes"],
        "qualification": texts["qualifications"],
        "front_line": texts["front_line"],
        "age": texts["ages"],
        "not_stated": {"not_stated": texts["not_stated"]},
    }
    return {
        "coverage": coverage(people, selection, today),
        "coverage_label": dimension_labels(selection, names, dimension_texts, reader),
    }


ROUTES = [
    Route(REVIEW, show_queue),
    Route(REVIEW, search_queue, methods=["POST"]),
]
