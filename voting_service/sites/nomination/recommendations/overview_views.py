"""What is missing of every person whom a body recommends, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.recommendations.model import Recommendation
from voting_service.nomination.recommendations.service import (
    submission_faults,
    view_recommendations,
)
from voting_service.nomination.repository import load_officer_body
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.recommendations.context import LIST
from voting_service.sites.nomination.recommendations.form_steps import STEPS, Step
from voting_service.sites.nomination.recommendations.open_tasks import (
    OpenTask,
    open_tasks,
    tasks_by_step,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state


class OverviewRow(NamedTuple):
    """A recommendation, and what is missing in its steps; None where nothing can be changed."""

    recommendation: Recommendation
    missing: Mapping[Step, Sequence[OpenTask]] | None

    @property
    def open_count(self) -> int:
        return sum(map(len, self.missing.values())) if self.missing else 0


@signed_in("recommender")
async def show_overview(request: Request) -> Response:
    """Show everybody of the officer's body, those with the most missing first."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        body = await load_officer_body(connection, actor.account)
        recommendations = await view_recommendations(actor, body)
    rows = [
        _row(request, actor, recommendation)
        for recommendation in recommendations
        if recommendation.state != "withdrawn"
    ]
    return page(
        request,
        "recommendations/overview.html",
        selection=actor.selection,
        body=body,
        rows=sorted(rows, key=lambda row: -row.open_count),
        steps=STEPS,
    )


def _row(request: Request, actor: SelectionActor, recommendation: Recommendation) -> OverviewRow:
    if not recommendation.is_editable:
        return OverviewRow(recommendation, None)
    faults = submission_faults(actor.selection, recommendation, actor.today)
    tasks = open_tasks(faults, recommendation.form, language(request))
    return OverviewRow(recommendation, tasks_by_step(tasks))


ROUTES = [Route(f"{LIST}/overview", show_overview)]
