"""What is done with many recommendations at once: a question that lists them, then the act."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import REVIEWERS
from voting_service.nomination.review.assignment import (
    MAX_REVIEWERS_EACH,
    Assignments,
    count_open,
    distribute,
)
from voting_service.nomination.review.repository import SubmittedRecommendation
from voting_service.nomination.review.service import (
    ReviewQueue,
    accept_all,
    acceptance_faults,
    assign,
    view_for_bulk,
    view_queue,
)
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.review.filter_address import filter_query, read_filter
from voting_service.sites.nomination.review.views import REVIEW, queue_page
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form_lists
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

Fields = Mapping[str, Sequence[str]]
_NUMBER = re.compile(r"[0-9]{1,9}")
_PAIR = re.compile(r"([0-9]{1,9}):([0-9]{0,9})")


@signed_in(*REVIEWERS)
async def ask(request: Request) -> Response:
    """Show what would be accepted or assigned, with everything that stands against it. Where
    nothing sensible was chosen, the queue is shown with the fault."""
    fields = await read_form_lists(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        try:
            numbers = _chosen_numbers(fields)
            act = _one(fields, "act")
            queue = await view_for_bulk(actor, numbers or None)
            if act == "accept":
                return _acceptance_page(request, actor, queue, numbers)
            return _assignment_page(request, actor, queue, _planned(queue, act, fields))
        except InvalidInput as error:
            queue = await view_queue(actor, read_filter(request, actor.keys))
            return queue_page(request, actor, queue, error)


def _chosen_numbers(fields: Fields) -> list[int]:
    """Return the chosen recommendations; none is enough for a distribution only, which then is of
    all that wait for review."""
    texts = fields.get("recommendation", [])
    if not all(_NUMBER.fullmatch(text) for text in texts) or not (
        texts or _one(fields, "act") == "distribute"
    ):
        raise InvalidInput(Fault("recommendation", "sites.nomination.review.none_chosen"))
    return [int(text) for text in dict.fromkeys(texts)]


def _planned(queue: ReviewQueue, act: str, fields: Fields) -> Assignments:
    """Return who would review what. Raises InvalidInput for unknown reviewers or too many each."""
    reviewer_ids = [account_id for account_id, _ in queue.reviewers]
    named = [int(text) for text in fields.get("assignee", ()) if _NUMBER.fullmatch(text)]
    if not set(named) <= set(reviewer_ids) or act not in ("assign", "distribute"):
        raise InvalidInput(Fault("assignee", "sites.nomination.review.choose_reviewers"))
    if act == "assign":
        return {submitted.id: tuple(named) for submitted in queue.shown}
    typed = _one(fields, "each")
    if not _NUMBER.fullmatch(typed) or not 1 <= int(typed) <= MAX_REVIEWERS_EACH:
        raise InvalidInput(
            Fault("each", "sites.nomination.review.reviewers_each", most=MAX_REVIEWERS_EACH)
        )
    return distribute(
        queue.shown, named or reviewer_ids, count_open(queue.all_submitted), int(typed)
    )


def _acceptance_page(
    request: Request, actor: SelectionActor, queue: ReviewQueue, numbers: Sequence[int]
) -> Response:
    faults = acceptance_faults(queue.all_submitted, numbers)
    shown = [submitted for submitted in queue.shown if submitted.state == "submitted"]
    acceptable = [submitted.id for submitted in shown]
    return page(
        request,
        "review/bulk_accept.html",
        status=422 if faults else 200,
        selection=actor.selection,
        query=_query(request, actor),
        shown=shown,
        unscored=_count_unscored(actor, shown),
        of_others=_count_of_others(actor, shown),
        left_out=[number for number in numbers if number not in acceptable],
        faults=[fault.text(language(request)) for fault in faults],
    )


def _count_unscored(actor: SelectionActor, shown: Sequence[SubmittedRecommendation]) -> int:
    """Return how many lack a preliminary score, where the selection has such scores."""
    if not actor.selection.rules.preliminary_score_max:
        return 0
    return sum(not submitted.preliminary_scores for submitted in shown)


def _count_of_others(actor: SelectionActor, shown: Sequence[SubmittedRecommendation]) -> int:
    """Return how many are assigned, and not to the person who acts."""
    return sum(
        bool(submitted.reviewers) and actor.account.id not in dict(submitted.reviewers)
        for submitted in shown
    )


def _assignment_page(
    request: Request, actor: SelectionActor, queue: ReviewQueue, planned: Assignments
) -> Response:
    names = dict(queue.reviewers)
    given = [account_id for account_ids in planned.values() for account_id in account_ids]
    replaced = sum(
        not {account_id for account_id, _ in submitted.reviewers} <= {*planned[submitted.id]}
        for submitted in queue.shown
        if submitted.id in planned
    )
    return page(
        request,
        "review/bulk_assign.html",
        selection=actor.selection,
        query=_query(request, actor),
        shown=[
            (submitted, [(number, names[number]) for number in planned[submitted.id]])
            for submitted in queue.shown
            if submitted.id in planned
        ],
        share=[(names[number], given.count(number)) for number in names if number in given],
        replaced=replaced,
        left_out=[submitted.id for submitted in queue.shown if submitted.id not in planned],
    )


def _query(request: Request, actor: SelectionActor) -> str:
    return filter_query(read_filter(request, actor.keys), actor.keys)


@signed_in(*REVIEWERS)
async def accept(request: Request) -> Response:
    """Accept all that the question listed; where one cannot be accepted any more, none is, and the
    question comes again with every reason."""
    fields = await read_form_lists(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        try:
            numbers = _chosen_numbers(fields)
            await accept_all(actor, numbers)
        except InvalidInput:
            numbers = [*_chosen_numbers(fields), *_left_out(fields)]
            queue = await view_for_bulk(actor, numbers)
            return _acceptance_page(request, actor, queue, numbers)
        return _redirect(request, actor, "all_accepted", len(numbers), _left_out(fields))


@signed_in(*REVIEWERS)
async def give(request: Request) -> Response:
    """Assign as the question listed it: `assignment` is a recommendation and a reviewer, `12:3`, or
    nobody, `12:`."""
    fields = await read_form_lists(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        assignments = _read_assignments(fields.get("assignment", ()))
        changed = await assign(actor, assignments)
        left_out = [*(assignments.keys() - {*changed}), *_left_out(fields)]
        return _redirect(request, actor, "assigned", len(changed), left_out)


def _read_assignments(texts: Iterable[str]) -> Assignments:
    assignments: dict[int, tuple[int, ...]] = {}
    for text in texts:
        pair = _PAIR.fullmatch(text)
        if pair is None:
            raise InvalidInput(Fault("assignment", "sites.nomination.review.none_chosen"))
        present = assignments.setdefault(int(pair[1]), ())
        if pair[2]:
            assignments[int(pair[1])] = (*present, int(pair[2]))
    if not assignments:
        raise InvalidInput(Fault("assignment", "sites.nomination.review.none_chosen"))
    return assignments


def _left_out(fields: Fields) -> list[int]:
    """Return the recommendations that the question named as left out."""
    return [int(text) for text in fields.get("left_out", ()) if _NUMBER.fullmatch(text)]


def _redirect(
    request: Request, actor: SelectionActor, done: str, count: int, left_out: Iterable[int]
) -> Response:
    """Redirect to the queue, which shows with how many it was done, and why not with the others."""
    query = _query(request, actor)
    path = REVIEW.replace("{slug}", request.path_params["slug"])
    outcome = f"done={done}&count={count}"
    if left := ".".join(map(str, sorted({*left_out}))):
        outcome += f"&left={left}"
    return RedirectResponse(f"{path}{query}{'&' if query else '?'}{outcome}", 303)


def _one(fields: Fields, name: str) -> str:
    return (fields.get(name) or [""])[0]


ROUTES = [
    Route(f"{REVIEW}/bulk", ask, methods=["POST"]),
    Route(f"{REVIEW}/bulk/accept", accept, methods=["POST"]),
    Route(f"{REVIEW}/bulk/assign", give, methods=["POST"]),
]
