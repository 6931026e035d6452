"""Winners of an earlier year from Excel: looked at first, then proposed to a second person."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput, Refused, VotingError
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.form.id_number_list import read_id_numbers
from voting_service.nomination.model import REVIEWERS
from voting_service.nomination.settings.service import (
    FIRST_YEAR,
    count_known_winners,
    propose_earlier_winners,
)
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.settings.lists import about_list
from voting_service.sites.nomination.settings.views import SETTINGS
from voting_service.sites.shared.multipart import Posted
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import encoding_turn, read_upload

WINNERS = f"{SETTINGS}/earlier-winners"


class Preview(NamedTuple):
    """The ID numbers of a list, each once, how many lines repeat one, and how many are of
    earlier winners already."""

    numbers: Sequence[str]
    repeated: int
    winners: int


@signed_in(*REVIEWERS)
async def show_winners(request: Request) -> Response:
    """Show what a list is, and where to choose one."""
    async with get_state(request).connection() as connection:
        return _winners_page(request, await selection_actor(request, connection))


def _winners_page(
    request: Request,
    actor: SelectionActor,
    preview: Preview | None = None,
    year: str = "",
    error: VotingError | None = None,
) -> Response:
    reader = language(request)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    return page(
        request,
        "selection_settings/winners.html",
        status=200 if error is None else 422 if faults else 409,
        selection=actor.selection,
        preview=preview,
        year=year or actor.selection.year - 1,
        years=(FIRST_YEAR, actor.today.year),
        faults=[about_list(fault, reader) for fault in faults],
        error=error.text(reader) if error and not faults else "",
    )


@signed_in(*REVIEWERS)
@limiter.limit(rate("upload"))
async def post_winners(request: Request) -> Response:
    """Show what a list holds; propose it when that was confirmed. Nothing is stored before."""
    posted = await read_upload(request)
    year = posted.field("year").strip()
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        preview = None
        try:
            numbers = await _read_numbers(posted)
            unique = tuple(dict.fromkeys(numbers))
            winners = await count_known_winners(actor, unique)
            preview = Preview(unique, len(numbers) - len(unique), winners)
            if posted.field("act") != "propose":
                return _winners_page(request, actor, preview, year)
            await propose_earlier_winners(actor, unique, _number(year))
        except (InvalidInput, Refused) as error:
            return _winners_page(request, actor, preview, year, error)
    return redirect_done(request, SETTINGS, "proposed")


async def _read_numbers(posted: Posted) -> Sequence[str]:
    """Return the ID numbers of the file, or of the preview that is confirmed. Raises
    InvalidInput."""
    shown = posted.field("numbers")
    content = shown.encode() if shown else posted.file("list").content
    async with encoding_turn():
        numbers = await asyncio.to_thread(read_id_numbers, content)
    if not numbers:
        raise InvalidInput(Fault("list", "nomination.settings.no_numbers"))
    return numbers


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) == 4 else 0


ROUTES: list[Any] = [
    Route(WINNERS, show_winners),
    Route(WINNERS, post_winners, methods=["POST"]),
]
