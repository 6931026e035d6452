"""What an officer's request is about. Officers reach only the recommendations of their own body."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request

from voting_service.errors import Fault, NotFound
from voting_service.i18n.formatting import written_day
from voting_service.i18n.text import Language
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import RecommendingBody, Selection
from voting_service.nomination.recommendations.model import Recommendation
from voting_service.nomination.recommendations.repository import (
    load_recommendation,
    load_submission_ends,
)
from voting_service.nomination.repository import load_officer_body
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.recommendations.form_steps import STEPS, Step
from voting_service.sites.shared.signed_in.cookies import language

LIST = "/selections/{slug}/recommendations"
RECOMMENDATION = f"{LIST}/{{recommendation:int}}"
_MAX_NUMBER = 2**31


class RecommendationContext(msgspec.Struct, frozen=True):
    """The officer, the body and one of its recommendations. `until` is when its submission ends,
    which is after the deadline where a late exception was approved, or where it was returned with
    a term."""

    actor: SelectionActor
    body: RecommendingBody
    recommendation: Recommendation
    until: datetime

    @property
    def selection(self) -> Selection:
        return self.actor.selection

    @property
    def now(self) -> datetime:
        return self.actor.now

    @property
    def path(self) -> str:
        return recommendation_path(self.selection, self.recommendation.id)

    @property
    def can_withdraw(self) -> bool:
        """Until the deadline, whatever the term of a return or a late exception."""
        return (
            self.recommendation.state in {"submitted", "returned"}
            and self.now < self.selection.closes_at
        )

    @property
    def is_late(self) -> bool:
        return self.now >= self.until


def recommendation_path(selection: Selection, recommendation_id: int) -> str:
    """Return the address of a recommendation."""
    return f"/selections/{selection.slug}/recommendations/{recommendation_id}"


async def load_context(request: Request, connection: AnyConnection) -> RecommendationContext:
    """Load the recommendation in the path. Raises NotFound, also for one of another body."""
    actor = await selection_actor(request, connection)
    selection = actor.selection
    body = await load_officer_body(connection, actor.account)
    number: int = request.path_params["recommendation"]
    if number >= _MAX_NUMBER:
        raise NotFound("sites.nomination.recommendations.no_such_recommendation")
    recommendation = await load_recommendation(connection, actor.keys, selection, number, body=body)
    ends = await load_submission_ends(connection, selection, body)
    until = ends.get(number, selection.closes_at)
    return RecommendationContext(actor, body, recommendation, until)


def requested_step(request: Request) -> Step:
    """Return the step in the path. Raises NotFound."""
    for step in STEPS:
        if step == request.path_params["step"]:
            return step
    raise NotFound("sites.nomination.recommendations.no_such_step")


def fault_sentence(fault: Fault, reader: Language) -> str:
    """Return a fault as a sentence to stand beside its field."""
    if reader == "zh":
        return fault.zh
    return fault.message[:1].upper() + fault.message[1:] + "."


def format_to_second(request: Request, selection: Selection, value: datetime) -> str:
    """Format a time in the selection's zone, with seconds, for receipts."""
    reader = language(request)
    local = value.astimezone(selection.zone)
    separator = " " if reader == "zh" else ", "
    return f"{written_day(local.date(), reader)}{separator}{local:%H:%M:%S}"
