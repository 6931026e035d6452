"""The review queue, and one recommendation with its evidence beside the form."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import InvalidInput, Refused
from voting_service.i18n.text import Language
from voting_service.infrastructure.typesetting.glyph_coverage import handwritten
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.form.field_names import FIELD_PATHS
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.form.notes import notes
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.form.validation import STAMPED_PAGES
from voting_service.nomination.model import READERS, REVIEWERS, Selection, State
from voting_service.nomination.recommendations.model import Verdict
from voting_service.nomination.recommendations.repository import has_coarse_photo
from voting_service.nomination.repository import count_places_taken
from voting_service.nomination.review.assignment import MAX_REVIEWERS_EACH, count_open
from voting_service.nomination.review.filtering import SORT_KEYS, QueueFilter
from voting_service.nomination.review.service import (
    ReviewQueue,
    default_term,
    view_queue,
    view_recommendation,
)
from voting_service.sites.nomination.context import load_texts, personal_keys, selection_actor
from voting_service.sites.nomination.review.filter_address import filter_query, read_filter
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

REVIEW = "/selections/{slug}/review"
RECOMMENDATION = f"{REVIEW}/{{recommendation:int}}"
VERDICTS: Mapping[State, tuple[Verdict, ...]] = {
    "submitted": ("accepted", "returned", "rejected"),
    "returned": ("returned", "reopened"),
    "accepted": ("reopened",),
    "rejected": ("reopened",),
}
"""The verdicts to offer in each state; the database decides what is allowed."""
QUEUE_STATES: tuple[State, ...] = ("submitted", "returned", "accepted", "rejected", "withdrawn")
_NOT_IN_TABLE = ("photo", "evidence", "achievements.pages", *STAMPED_PAGES)


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
        max_each=MAX_REVIEWERS_EACH,
        faults=[fault.text(reader) for fault in error.faults] if error else [],
        industry_name=lambda key: _industry_name(actor.selection, key, reader),
    )


def _industry_name(selection: Selection, key: str, reader: Language) -> str:
    industry = selection.rules.industries.get(key)
    return getattr(industry, reader) if industry else key


@signed_in(*READERS)
async def show_recommendation(request: Request) -> Response:
    """Show form and evidence side by side, with notes, history and possible verdicts."""
    async with get_state(request).connection() as connection:
        return await recommendation_page(request, await selection_actor(request, connection))


async def recommendation_page(
    request: Request,
    actor: SelectionActor,
    filled: Mapping[str, str] | None = None,
    error: InvalidInput | Refused | None = None,
) -> Response:
    """Show a recommendation, after a refusal with its error beside the fields as they were filled
    in."""
    reviewed = await view_recommendation(actor, request.path_params["recommendation"])
    submitted, selection = reviewed.submitted, actor.selection
    taken = await count_places_taken(actor.connection, selection)
    is_coarse = await has_coarse_photo(actor.connection, submitted.id)
    term = default_term(selection, actor.now).astimezone(selection.zone)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    reader = language(request)
    return page(
        request,
        "review/recommendation.html",
        status=200 if error is None else 422 if faults else 409,
        selection=selection,
        **reviewed._asdict(),
        taken=taken.get(submitted.body.id, 0),
        fields=_form_fields(request, selection, submitted.form),
        form_notes=[
            note.text(reader) for note in notes(submitted.form, has_coarse_photo=is_coarse)
        ],
        by_hand=handwritten(submitted.form),
        verdicts=VERDICTS.get(submitted.state, ()),
        may_review=current_user(request).account.role in REVIEWERS,
        count_characters=count_characters,
        filled={"until": f"{term:%Y-%m-%dT%H:%M}", **(filled or {})},
        faults={fault.field: fault.text(reader) for fault in faults},
        error=error.text(reader) if error and not faults else "",
        term=reviewed.history[-1].correct_until if submitted.state == "returned" else None,
        now=actor.now,
    )


def _form_fields(
    request: Request, selection: Selection, form: RecommendationForm
) -> list[tuple[str, str, str]]:
    """Return path, label and value of every field of the form in the reader's language."""
    reader = language(request)
    texts = load_texts(request, "review")
    form_texts = load_texts(request, "recommendations")
    labels, yes_or_no = form_texts["fields"], form_texts["check"]
    formatted: dict[str, object] = {
        "sex": texts["sexes"].get(form.sex or "", ""),
        "industry": _industry_name(selection, form.industry, reader),
        "is_central_unit": yes_or_no["yes" if form.is_central_unit else "no"],
        "conduct_declared": yes_or_no["declared" if form.conduct_declared else "not_declared"],
        "qualification": form_texts["qualifications"].get(form.qualification or "", ""),
        "achievements": "\n".join(
            f"{form_texts['achievements'][achievement.kind]} ({texts['pages']} {achievement.pages})"
            for achievement in form.achievements
        ),
    }
    fields = []
    for path in FIELD_PATHS:
        if path in _NOT_IN_TABLE:
            continue
        value = formatted.get(path)
        if value is None:
            value = form
            for part in path.split("."):
                value = getattr(value, part)
        fields.append((path, labels[path], "" if value is None else str(value)))
    return fields


ROUTES = [
    Route(REVIEW, show_queue),
    Route(REVIEW, set_filter, methods=["POST"]),
    Route(RECOMMENDATION, show_recommendation),
]
