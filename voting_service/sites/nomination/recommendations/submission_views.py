"""The whole form on one page with what is missing; submission, withdrawal and receipt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.infrastructure.typesetting.glyph_coverage import missing_glyphs
from voting_service.nomination.recommendations.model import EditConflict
from voting_service.nomination.recommendations.repository import load_reviews, load_submissions
from voting_service.nomination.recommendations.service import (
    record_view,
    submission_faults,
    submit,
    view_receipt,
    withdraw,
)
from voting_service.nomination.repository import count_places_taken
from voting_service.sites.nomination.recommendations.context import (
    RECOMMENDATION,
    RecommendationContext,
    fault_sentence,
    format_to_second,
    load_context,
)
from voting_service.sites.nomination.recommendations.form_steps import (
    FIELDS,
    SLOTS,
    STEPS,
    Step,
    find_step,
    page_field,
    step_values,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state


class OpenTask(NamedTuple):
    """One thing to do before submission, and the field where it is done."""

    step: Step
    name: str
    id: str
    sentence: str


@signed_in("recommender")
async def show_check(request: Request) -> Response:
    """Show the form as it would be, or was, submitted."""
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        await record_view(context.actor, context.recommendation.id)
        return await _check_page(request, connection, context)


async def _check_page(
    request: Request,
    connection: AnyConnection,
    context: RecommendationContext,
    error: Refused | None = None,
) -> Response:
    actor, recommendation = context.actor, context.recommendation
    selection = context.selection
    reviews = await load_reviews(connection, actor.keys, recommendation.id)
    submissions = await load_submissions(connection, actor.keys, selection, recommendation)
    taken = await count_places_taken(connection, selection)
    faults: tuple[Fault, ...] = ()
    if recommendation.is_editable:
        faults = submission_faults(selection, recommendation, actor.today)
    return page(
        request,
        "recommendations/check.html",
        status=200 if error is None else 409,
        selection=selection,
        context=context,
        recommendation=recommendation,
        steps=STEPS,
        fields=FIELDS,
        slots=SLOTS,
        values={step: step_values(recommendation.form, step) for step in STEPS},
        missing=_open_tasks(request, context, faults),
        unprintable=missing_glyphs(recommendation.form.name),
        places_left=selection.quota(context.body.kind) - taken.get(context.body.id, 0),
        reviews=tuple(reversed(reviews)),
        reason=reviews[-1].reason if recommendation.state == "returned" else "",
        submissions=submissions,
        error=error.text(language(request)) if error else "",
        to_second=lambda value: format_to_second(request, selection, value),
        industries=selection.rules.industries,
    )


def _open_tasks(
    request: Request, context: RecommendationContext, faults: Iterable[Fault]
) -> list[OpenTask]:
    reader, form = language(request), context.recommendation.form
    tasks: list[OpenTask] = []
    for fault in faults:
        name = page_field(fault, form)
        sentence = fault_sentence(fault, reader)
        tasks.append(OpenTask(find_step(name), name, name.replace(".", "-"), sentence))
    return tasks


@signed_in("recommender")
async def submit_form(request: Request) -> Response:
    """Submit exactly what the page showed. A refusal is shown on the page; the draft is kept."""
    fields = await read_form(request)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        try:
            if fields.get("revision") != str(context.recommendation.revision):
                raise EditConflict
            await submit(context.actor, context.recommendation)
        except InvalidInput:
            return RedirectResponse(f"{context.path}?done=missing", 303)
        except Refused as error:
            newest = await load_context(request, connection)
            return await _check_page(request, connection, newest, error)
    return RedirectResponse(f"{context.path}/receipt", 303)


@signed_in("recommender")
async def withdraw_form(request: Request) -> Response:
    """Withdraw a submitted recommendation."""
    fields = await read_form(request)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        try:
            await withdraw(context.actor, context.recommendation.id, fields.get("reason", ""))
        except Refused as error:
            return await _check_page(request, connection, context, error)
    return RedirectResponse(f"{context.path}?done=withdrawn", 303)


@signed_in("recommender")
async def show_receipt(request: Request) -> Response:
    """Show what was submitted and when, by the database's clock."""
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        submissions = await view_receipt(context.actor, context.recommendation)
    return page(
        request,
        "recommendations/receipt.html",
        selection=context.selection,
        context=context,
        recommendation=context.recommendation,
        last=submissions[-1],
        earlier=submissions[:-1],
        to_second=lambda value: format_to_second(request, context.selection, value),
    )


ROUTES = [
    Route(RECOMMENDATION, show_check),
    Route(f"{RECOMMENDATION}/submit", submit_form, methods=["POST"]),
    Route(f"{RECOMMENDATION}/withdraw", withdraw_form, methods=["POST"]),
    Route(f"{RECOMMENDATION}/receipt", show_receipt),
]
