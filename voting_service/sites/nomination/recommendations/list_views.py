"""An officer's recommendations with the places left and the time left."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.nomination.form.validation import OPTIONAL
from voting_service.nomination.model import QUOTA_STATES
from voting_service.nomination.progress import load_public_standings
from voting_service.nomination.recommendations.repository import (
    load_conflicts,
    load_reviews,
    load_submission_ends,
)
from voting_service.nomination.recommendations.service import (
    create_draft,
    submission_faults,
    view_recommendations,
)
from voting_service.nomination.repository import load_bodies, load_officer_body
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.recommendations.context import LIST, recommendation_path
from voting_service.sites.nomination.recommendations.form_steps import FIELDS, SLOTS, STEPS
from voting_service.sites.nomination.recommendations.step_page import HINT_VALUES
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state


@signed_in("recommender")
async def list_recommendations(request: Request) -> Response:
    """Show every recommendation of the officer's body, newest first."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        selection, now = actor.selection, actor.now
        body = await load_officer_body(connection, actor.account)
        recommendations = await view_recommendations(actor, body)
        reasons = {
            item.id: (await load_reviews(connection, actor.keys, item.id))[-1].reason
            for item in recommendations
            if item.state == "returned"
        }
        standings = await load_public_standings(connection, selection, body, now)
        ends = await load_submission_ends(connection, selection, body)
        conflicts = [
            conflict
            for conflict in await load_conflicts(connection, selection)
            if body.id in {conflict.body_id, conflict.holder_body_id}
        ]
        names = {item.id: item.name for item in await load_bodies(connection)}
    return page(
        request,
        "recommendations/list.html",
        selection=selection,
        body=body,
        recommendations=tuple(reversed(recommendations)),
        reasons=reasons,
        standings=standings,
        ends=ends,
        open_counts={
            item.id: len(submission_faults(selection, item, actor.today))
            for item in recommendations
            if item.is_editable
        },
        conflicts=conflicts,
        names=names,
        taken=sum(item.state in QUOTA_STATES for item in recommendations),
        central=sum(
            item.state in QUOTA_STATES and item.form.is_central_unit for item in recommendations
        ),
        quota=selection.quota(body.kind),
        now=now,
        time_left=max(selection.closes_at - now, timedelta()),
    )


@signed_in("recommender")
async def create(request: Request) -> Response:
    """Create an empty draft and redirect to its first step."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        body = await load_officer_body(connection, actor.account)
        number = await create_draft(actor, body)
    return RedirectResponse(f"{recommendation_path(actor.selection, number)}/steps/person", 303)


@signed_in("recommender")
async def show_sample(request: Request) -> Response:
    """Show a form that is filled in with made-up values, marked as a sample."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
    return page(
        request,
        "recommendations/sample.html",
        selection=actor.selection,
        steps=STEPS,
        fields=FIELDS,
        slots=SLOTS,
        hint_values=HINT_VALUES,
        optional=OPTIONAL,
    )


ROUTES = [
    Route(f"{LIST}/sample", show_sample),
    Route(LIST, list_recommendations),
    Route(f"{LIST}/new", create, methods=["POST"]),
]
