"""The review queue."""

from __future__ import annotations

import re
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import InvalidInput
from voting_service.i18n.text import Language
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import READERS, REVIEWERS, Selection, State
from voting_service.nomination.review.assignment import count_open
from voting_service.nomination.review.filtering import SORT_KEYS, QueueFilter
from voting_service.nomination.review.service import (
    ReviewQueue,
    acceptance_faults,
    assignment_faults,
    view_queue,
)
from voting_service.sites.nomination.context import personal_keys, selection_actor
from voting_service.sites.nomination.review.filter_address import filter_query, read_filter
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

REVIEW = "/selections/{slug}/review"
RECOMMENDATION = f"{REVIEW}/{{recommendation:int}}"
QUEUE_STATES: tuple[State, ...] = ("submitted", "returned", "accepted", "rejected", "withdrawn")
_NUMBER = re.compile(r"[0-9]{1,9}")
_LEFT_OUT_FAULTS = {"all_accepted": acceptance_faults, "assigned": assignment_faults}
"""Why a bulk act left recommendations out, by the message that it leads to."""


@signed_in(*READERS)
async def show_queue(request: Request) -> Response:
    """Show the submitted recommendations that match the filter of the address."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        queue = await view_queue(actor, read_filter(request, actor.keys))
    return queue_page(request, actor, queue)


@signed_in(*READERS)
async def set_filter(request: Request) -> Response:
    """Redirect to the address that keeps the posted filter."""
    queue_filter = QueueFilter.of(await read_form(request))
    return RedirectResponse(
        request.url.path + filter_query(queue_filter, personal_keys(request)), 303
    )


def queue_page(
    request: Request,
    actor: SelectionActor,
    queue: ReviewQueue,
    error: InvalidInput | None = None,
) -> Response:
    """Render the queue with its filter, after a refusal with all its faults."""
    all_submitted = queue.all_submitted
    states = [submitted.state for submitted in all_submitted]
    reader = language(request)
    return page(
        request,
        "review/queue.html",
        status=200 if error is None else 422,
        selection=actor.selection,
        filter=queue.filter,
        query=filter_query(queue.filter, actor.keys),
        of=find_done_number(request),
        outcome=_bulk_outcome(request, queue),
        sort_queries={
            key: filter_query(queue.filter.sorted_by(key), actor.keys) for key in ("", *SORT_KEYS)
        },
        shown=queue.shown,
        reviewers=queue.reviewers,
        open_reviews=count_open(all_submitted),
        states={state: states.count(state) for state in QUEUE_STATES},
        bodies=sorted(
            {recommendation.body for recommendation in all_submitted}, key=lambda body: body.id
        ),
        chains=sorted({recommendation.form.chain for recommendation in all_submitted} - {""}),
        me=str(actor.account.id),
        may_review=current_user(request).account.role in REVIEWERS,
        faults=[fault.text(reader) for fault in error.faults] if error else [],
        industry_name=lambda key: _industry_name(actor.selection, key, reader),
    )


def find_done_number(request: Request) -> str:
    """Return the number of the recommendation that the message `done` is about, or ""."""
    number = request.query_params.get("of", "")
    return number if number.isascii() and number.isdecimal() else ""


class BulkOutcome(NamedTuple):
    """With how many recommendations a bulk act was done, and why not with others."""

    people: int
    left_out: list[str]


def _bulk_outcome(request: Request, queue: ReviewQueue) -> BulkOutcome | None:
    """Return the bulk act that the address names; None without one."""
    query = request.query_params
    explain = _LEFT_OUT_FAULTS.get(query.get("done", ""))
    count, left = query.get("count", ""), query.get("left", "")
    if explain is None or not _NUMBER.fullmatch(count):
        return None
    left_out = [int(text) for text in left.split(".") if _NUMBER.fullmatch(text)]
    faults = explain(queue.all_submitted, left_out)
    return BulkOutcome(int(count), [fault.text(language(request)) for fault in faults])


def _industry_name(selection: Selection, key: str, reader: Language) -> str:
    industry = selection.rules.industries.get(key)
    return getattr(industry, reader) if industry else key


ROUTES = [
    Route(REVIEW, show_queue),
    Route(REVIEW, set_filter, methods=["POST"]),
]
