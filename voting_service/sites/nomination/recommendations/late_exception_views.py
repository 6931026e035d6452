"""Late exceptions of the joint office: one person proposes, another approves."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import InvalidInput, Refused, VotingError
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import READERS, REVIEWERS
from voting_service.nomination.recommendations.late_exceptions import (
    approve_exception,
    load_exceptions,
    propose_exception,
    reject_exception,
)
from voting_service.nomination.recommendations.repository import load_unsubmitted
from voting_service.nomination.repository import load_bodies
from voting_service.sites.nomination.approval_routes import approval_routes
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.recommendations.context import fault_sentence
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.form_times import local_moment
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state

LATE = "/selections/{slug}/late"
_MAX_DIGITS = 9


@signed_in(*READERS)
async def show_late(request: Request) -> Response:
    """Show the waiting and the decided exceptions, and the form to propose one."""
    async with get_state(request).connection() as connection:
        return await _late_page(request, await selection_actor(request, connection), {})


async def _late_page(
    request: Request,
    actor: SelectionActor,
    filled: dict[str, str],
    error: VotingError | None = None,
) -> Response:
    account, reader, selection = actor.account, language(request), actor.selection
    exceptions = await load_exceptions(actor.connection, selection)
    unsubmitted = await load_unsubmitted(actor.connection, selection)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    return page(
        request,
        "recommendations/late.html",
        status=200 if error is None else 422 if faults else 409,
        selection=selection,
        names={body.id: body.name for body in await load_bodies(actor.connection)},
        unsubmitted=unsubmitted,
        body_ids={item.id: item.body_id for item in unsubmitted},
        waiting=[item for item in exceptions if item.state == "waiting"],
        decided=[item for item in exceptions if item.state != "waiting"],
        until=lambda exception: datetime.fromisoformat(exception.payload["until"]),
        me=account.id,
        may_decide=account.role in REVIEWERS,
        now=actor.now,
        filled=filled,
        faults={fault.field: fault_sentence(fault, reader) for fault in faults},
        error=error.text(reader) if error and not faults else "",
    )


@signed_in(*REVIEWERS)
async def propose(request: Request) -> Response:
    """Propose an exception. An error is shown with the form as it was filled in."""
    fields = await read_form(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        try:
            until = local_moment(fields.get("until", ""), "until", actor.selection.zone)
            await propose_exception(actor, _parse_number(fields), until, fields.get("reason", ""))
        except (InvalidInput, Refused) as error:
            return await _late_page(request, actor, fields, error)
    return redirect_done(request, LATE, "proposed")


def _parse_number(fields: dict[str, str]) -> int:
    """Return the chosen recommendation; 0, which no recommendation has, for anything else."""
    text = fields.get("recommendation", "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
    return int(text) if is_number else 0


ROUTES = [
    Route(LATE, show_late),
    Route(LATE, propose, methods=["POST"]),
    *approval_routes(LATE, approve_exception, reject_exception),
]
