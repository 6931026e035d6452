"""The whole form on one page with what is missing; submission, withdrawal and receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.infrastructure.typesetting.glyph_coverage import handwritten
from voting_service.nomination.form.notes import notes
from voting_service.nomination.progress import load_public_standings
from voting_service.nomination.recommendations.form_encryption import outdated_stamps
from voting_service.nomination.recommendations.model import EditConflict, Review
from voting_service.nomination.recommendations.person_check import check_person
from voting_service.nomination.recommendations.repository import load_reviews, load_submissions
from voting_service.nomination.recommendations.service import (
    copy_withdrawn,
    delete_draft,
    record_view,
    submission_faults,
    submit,
    view_receipt,
    withdraw,
)
from voting_service.nomination.repository import count_places_taken
from voting_service.sites.nomination.recommendations.context import (
    LIST,
    RECOMMENDATION,
    RecommendationContext,
    fault_sentence,
    format_to_second,
    load_context,
    recommendation_path,
)
from voting_service.sites.nomination.recommendations.form_steps import (
    FIELDS,
    SLOTS,
    STEPS,
    step_values,
)
from voting_service.sites.nomination.recommendations.open_tasks import open_tasks
from voting_service.sites.nomination.recommendations.printed_form import is_unfit_for_stamping
from voting_service.sites.nomination.recommendations.step_page import lacking_words
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state


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
    error: InvalidInput | Refused | None = None,
    *,
    typed: str = "",
) -> Response:
    """Show the page; after a refusal with its error, and with the reason that was `typed`."""
    actor, recommendation = context.actor, context.recommendation
    selection = context.selection
    reviews = await load_reviews(connection, actor.keys, recommendation.id)
    submissions = await load_submissions(connection, actor.keys, selection, recommendation)
    taken = await count_places_taken(connection, selection)
    standings = await load_public_standings(connection, selection, context.body, actor.now)
    faults: tuple[Fault, ...] = ()
    form = recommendation.form
    warnings: tuple[Fault, ...] = ()
    if recommendation.is_editable:
        faults = submission_faults(selection, recommendation, actor.today)
        warnings = (await check_person(actor, recommendation)).faults
    elif submissions:
        form = submissions[-1].form  # a returned form that was reopened may have been changed since
    return page(
        request,
        "recommendations/check.html",
        status=200 if error is None else 422 if isinstance(error, InvalidInput) else 409,
        typed=typed,
        selection=selection,
        context=context,
        recommendation=recommendation,
        steps=STEPS,
        fields=FIELDS,
        slots=SLOTS,
        values={step: step_values(form, step) for step in STEPS},
        missing=open_tasks(faults, form, language(request)),
        warnings=open_tasks(warnings, form, language(request)),
        unprintable=handwritten(form),
        is_unfit=is_unfit_for_stamping(actor, recommendation),
        outdated=outdated_stamps(recommendation) if recommendation.is_editable else (),
        withdrawn_at=_withdrawn_at(reviews),
        notes=[
            fault_sentence(note, language(request))
            for note in notes(form, has_coarse_photo=recommendation.has_coarse_photo)
        ],
        lacking=lacking_words(request, context),
        places_left=selection.quota(context.body.kind) - taken.get(context.body.id, 0),
        reviews=tuple(reversed(reviews)),
        reason=reviews[-1].reason if recommendation.state == "returned" else "",
        submissions=submissions,
        standing=standings.get(recommendation.id),
        error=error.text(language(request)) if error else "",
        to_second=lambda value: format_to_second(request, selection, value),
        industries=selection.rules.industries,
    )


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
    """Withdraw a submitted recommendation. A refusal is shown on the page with the reason as it
    was typed."""
    fields = await read_form(request)
    reason = fields.get("reason", "")
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        try:
            await withdraw(context.actor, context.recommendation.id, reason)
        except (InvalidInput, Refused) as error:
            return await _check_page(request, connection, context, error, typed=reason)
    return RedirectResponse(f"{context.path}?done=withdrawn", 303)


@signed_in("recommender")
async def delete_form(request: Request) -> Response:
    """Delete a draft."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        try:
            await delete_draft(context.actor, context.recommendation.id)
        except Refused as error:
            newest = await load_context(request, connection)
            return await _check_page(request, connection, newest, error)
    return redirect_done(request, LIST, "deleted")


@signed_in("recommender")
async def copy_form(request: Request) -> Response:
    """Begin a draft with what a withdrawn recommendation has."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        try:
            number = await copy_withdrawn(context.actor, context.body, context.recommendation)
        except Refused as error:
            return await _check_page(request, connection, context, error)
    return RedirectResponse(f"{recommendation_path(context.selection, number)}?done=copied", 303)


@signed_in("recommender")
async def show_receipt(request: Request) -> Response:
    """Show what was submitted and when, by the database's clock."""
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        submissions = await view_receipt(context.actor, context.recommendation)
        reviews = await load_reviews(connection, context.actor.keys, context.recommendation.id)
    return page(
        request,
        "recommendations/receipt.html",
        selection=context.selection,
        context=context,
        recommendation=context.recommendation,
        last=submissions[-1],
        earlier=submissions[:-1],
        can_withdraw=context.can_withdraw,
        withdrawn_at=_withdrawn_at(reviews),
        to_second=lambda value: format_to_second(request, context.selection, value),
    )


def _withdrawn_at(reviews: Sequence[Review]) -> datetime | None:
    return next((review.at for review in reviews if review.verdict == "withdrawn"), None)


ROUTES = [
    Route(RECOMMENDATION, show_check),
    Route(f"{RECOMMENDATION}/submit", submit_form, methods=["POST"]),
    Route(f"{RECOMMENDATION}/withdraw", withdraw_form, methods=["POST"]),
    Route(f"{RECOMMENDATION}/delete", delete_form, methods=["POST"]),
    Route(f"{RECOMMENDATION}/copy", copy_form, methods=["POST"]),
    Route(f"{RECOMMENDATION}/receipt", show_receipt),
]
