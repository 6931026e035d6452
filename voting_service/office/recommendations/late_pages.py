"""Where the joint office permits late submissions: one proposes, another approves."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.desk.access import signed_in, visitor
from voting_service.desk.cookies import language
from voting_service.desk.forms import read_form
from voting_service.desk.moments import local_moment
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import InvalidInput, Refused, VotingError
from voting_service.office.asked import selection_of
from voting_service.office.model import READERS, REVIEWERS, Selection
from voting_service.office.recommendations.asked import in_words
from voting_service.office.recommendations.late import (
    approve_exception,
    decline_exception,
    load_exceptions,
    load_unsubmitted,
    propose_exception,
)
from voting_service.office.store import load_bodies
from voting_service.storage.postgres import AnyConnection

LATE = "/selections/{slug}/late"
_MAX_DIGITS = 9


@signed_in(*READERS)
async def late(request: Request) -> Response:
    """What waits, what was decided, and the form to propose."""
    async with desk_of(request).connection() as connection:
        selection = await selection_of(request, connection)
        return await _late_page(request, connection, selection, {})


async def _late_page(
    request: Request,
    connection: AnyConnection,
    selection: Selection,
    filled: dict[str, str],
    error: VotingError | None = None,
) -> Response:
    known, reader = visitor(request), language(request)
    exceptions = await load_exceptions(connection, selection)
    unsubmitted = await load_unsubmitted(connection, selection)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    said = "" if error is None or faults else (error.zh if reader == "zh" else "") or str(error)
    return page(
        request,
        "recommendations/late.html",
        status=200 if error is None else 422 if faults else 409,
        selection=selection,
        names={body.id: body.name for body in await load_bodies(connection)},
        unsubmitted=unsubmitted,
        bodies_of={each.id: each.body_id for each in unsubmitted},
        waiting=[each for each in exceptions if each.state == "waiting"],
        decided=[each for each in exceptions if each.state != "waiting"],
        until_of=lambda decision: datetime.fromisoformat(decision.payload["until"]),
        me=known.account.id,
        may_decide=known.account.role in REVIEWERS,
        now=desk_of(request).clock(),
        filled=filled,
        faults={fault.field: in_words(fault, reader) for fault in faults},
        said=said,
        done=request.query_params.get("done", ""),
    )


@signed_in(*REVIEWERS)
async def propose(request: Request) -> Response:
    """Proposes an exception; a refusal comes back with the form as it was filled in."""
    fields = await read_form(request)
    desk = desk_of(request)
    number = fields.get("recommendation", "")
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        try:
            await propose_exception(
                connection,
                selection,
                visitor(request).account,
                recommendation_id=int(number)
                if number.isascii() and number.isdecimal() and len(number) <= _MAX_DIGITS
                else 0,
                until=local_moment(fields.get("until", ""), "until", selection.zone),
                reason=fields.get("reason", ""),
                now=desk.clock(),
            )
        except (InvalidInput, Refused) as error:
            return await _late_page(request, connection, selection, fields, error)
    return _done(selection, "proposed")


@signed_in(*REVIEWERS, step_up=True)
async def approve(request: Request) -> Response:
    """The second person's word."""
    await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        await approve_exception(
            connection, selection, visitor(request).account, request.path_params["decision"],
            now=desk.clock(),
        )  # fmt: skip
    return _done(selection, "approved")


@signed_in(*REVIEWERS)
async def turn_down(request: Request) -> Response:
    """Declines, or takes one's own proposal back."""
    fields = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        await decline_exception(
            connection, selection, visitor(request).account, request.path_params["decision"],
            because=fields.get("because", ""), now=desk.clock(),
        )  # fmt: skip
    return _done(selection, "declined")


def _done(selection: Selection, what: str) -> Response:
    return RedirectResponse(f"/selections/{selection.slug}/late?done={what}", 303)


ROUTES = [
    Route(LATE, late),
    Route(LATE, propose, methods=["POST"]),
    Route(f"{LATE}/{{decision:int}}/approve", approve, methods=["POST"]),
    Route(f"{LATE}/{{decision:int}}/decline", turn_down, methods=["POST"]),
]
