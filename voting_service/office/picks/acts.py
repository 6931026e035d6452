"""What two people do about the fifty: propose, approve, decline."""

from __future__ import annotations

import re
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.model import Account
from voting_service.contests.model import Text
from voting_service.decisions.model import Decision
from voting_service.decisions.store import (
    find_decision,
    load_selection_decisions,
    record_approval,
)
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form, read_form_lists
from voting_service.desk.moments import local_moment
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.office.asked import selection_of
from voting_service.office.declining import turn_down
from voting_service.office.model import REVIEWERS, Selection
from voting_service.office.picks.hand_over import approve_hand_over, propose_hand_over
from voting_service.office.picks.pages import KINDS, PICKS, picks_address
from voting_service.office.picks.public_notices import draw_of, publish_draw
from voting_service.office.picks.store import (
    drawn_set,
    load_picks,
    propose_picks,
    propose_seed,
    propose_source,
)
from voting_service.office.review.reading import load_dossiers
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection, domain_errors

LONG_SECONDS = 60.0
_NUMBER = re.compile(r"[0-9]{1,9}")


def numbers_of(texts: list[str], field: str) -> list[int]:
    """Numbers of recommendations. Raises InvalidInput."""
    if not all(_NUMBER.fullmatch(text) for text in texts):
        raise InvalidInput(Fault(field, "choose from the list", "请在列表中选择。"))
    return [int(text) for text in texts]


@signed_in(*REVIEWERS)
async def choose(request: Request) -> Response:
    """Proposes exactly as many as were announced."""
    fields = await read_form_lists(request)
    chosen = numbers_of(fields.get("recommendation", []), "recommendation")
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        await propose_picks(
            connection, selection, visitor(request).account, chosen, now=desk.clock()
        )
    return _done(selection, "proposed")


@signed_in(*REVIEWERS)
async def name_source(request: Request) -> Response:
    """Proposes what will decide the numbers."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        await propose_source(
            connection,
            selection,
            visitor(request).account,
            source=Text(form.get("source_zh", "").strip(), form.get("source_en", "").strip()),
            known_at=local_moment(form.get("known_at", ""), "known_at", selection.zone),
            now=desk.clock(),
        )
    return _done(selection, "proposed")


@signed_in(*REVIEWERS)
async def enter_seed(request: Request) -> Response:
    """Proposes the digits that the source gave."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        await propose_seed(
            connection, selection, visitor(request).account, drawn=form.get("drawn", ""),
            now=desk.clock(),
        )  # fmt: skip
    return _done(selection, "proposed")


@signed_in(*REVIEWERS)
async def hand_over(request: Request) -> Response:
    """Proposes the contest, with everything that becomes public."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.long_connection(LONG_SECONDS) as connection:
        selection = await selection_of(request, connection)
        await propose_hand_over(
            connection,
            PersonalKeys.of(desk.settings),
            selection,
            visitor(request).account,
            settings=form.get("settings", ""),
            now=desk.clock(),
        )
    return _done(selection, "proposed")


@signed_in(*REVIEWERS, step_up=True)
async def approve(request: Request) -> Response:
    """The second person's word; what follows from it follows at once."""
    await read_form(request)
    desk, account = desk_of(request), visitor(request).account
    keys = PersonalKeys.of(desk.settings)
    async with desk.long_connection(LONG_SECONDS) as connection:
        selection = await selection_of(request, connection)
        decision = await _decision(request, connection, selection)
        if decision.kind == "hand_over":
            await approve_hand_over(
                connection, keys, selection, account, decision.id,
                master_key=desk.settings.master_key.get_secret_value(), now=desk.clock(),
            )  # fmt: skip
            return _done(selection, "handed_over")
        with domain_errors():
            async with connection.transaction():
                now = desk.clock()
                await record_approval(connection, selection, decision, account, now)
                if decision.kind == "draw":
                    await _announce_draw(connection, keys, selection, account, now)
    return _done(selection, "approved")


async def _announce_draw(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    account: Account,
    now: datetime,
) -> None:
    drawn = drawn_set(await load_picks(connection, selection))
    dossiers = await load_dossiers(connection, keys, selection, drawn)
    decisions = await load_selection_decisions(connection, selection.id)
    draw = draw_of(selection, decisions, [dossier.form_sha256.hex() for dossier in dossiers])
    if draw is not None:
        await publish_draw(connection, selection, account, draw, now)


@signed_in(*REVIEWERS)
async def decline_decision(request: Request) -> Response:
    """Turns a proposal down, or takes one's own back."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        decision = await _decision(request, connection, selection)
        await turn_down(
            connection, selection, visitor(request).account, decision, form.get("because", ""),
            now=desk.clock(),
        )  # fmt: skip
    return _done(selection, "declined")


async def _decision(request: Request, connection: AnyConnection, selection: Selection) -> Decision:
    decisions = await load_selection_decisions(connection, selection.id)
    decision = find_decision(decisions, request.path_params["decision"])
    if decision.kind not in KINDS:
        raise NotFound("this is decided elsewhere", zh="该事项不在此处决定。")
    return decision


def _done(selection: Selection, what: str) -> Response:
    return RedirectResponse(f"{picks_address(selection)}?done={what}", 303)


ROUTES = [
    Route(PICKS, choose, methods=["POST"]),
    Route(f"{PICKS}/source", name_source, methods=["POST"]),
    Route(f"{PICKS}/seed", enter_seed, methods=["POST"]),
    Route(f"{PICKS}/hand-over", hand_over, methods=["POST"]),
    Route(f"{PICKS}/decisions/{{decision:int}}/approve", approve, methods=["POST"]),
    Route(f"{PICKS}/decisions/{{decision:int}}/decline", decline_decision, methods=["POST"]),
]
