"""What changes settings: one person before the rules were announced, two afterwards.

Every act asks again who it is. A refusal comes back with the form as it was filled in.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.store import load_contest
from voting_service.decisions.model import DECIDERS
from voting_service.decisions.platforms import (
    contests_that_need_two,
    propose_platform_on,
    switch_platform_off,
    switch_platform_on,
)
from voting_service.decisions.settings import approve_change, change_setting
from voting_service.decisions.store import decline, find_decision, load_decisions
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.state import contest_of, desk_of
from voting_service.errors import InvalidInput, NotFound, Refused
from voting_service.staff.settings.forms import reason_from, value_from
from voting_service.staff.settings.pages import (
    PREFIX,
    platform_of,
    setting_form,
    setting_of,
    switch_form,
)


def _done(request: Request, what: str) -> Response:
    address = PREFIX.replace("{slug}", contest_of(request).slug)
    return RedirectResponse(f"{address}?done={what}", 303)


@signed_in(*DECIDERS, step_up=True)
async def change(request: Request) -> Response:
    """Changes the setting, or proposes to."""
    form = await read_form(request)
    desk, setting = desk_of(request), setting_of(request)
    try:
        async with desk.connection() as connection:
            contest = await load_contest(connection, contest_of(request).slug)
            proposed = await change_setting(
                connection,
                contest,
                visitor(request).account,
                setting,
                value_from(form, setting, contest),
                reason=reason_from(form),
                now=desk.clock(),
            )
    except (Refused, InvalidInput) as error:
        return await setting_form(request, form, error)
    return _done(request, "changed" if proposed is None else "proposed")


@signed_in(*DECIDERS, step_up=True)
async def switch(request: Request) -> Response:
    """Switches a platform off at once; on again too, or proposes to."""
    form = await read_form(request)
    desk, account = desk_of(request), visitor(request).account
    platform = await platform_of(request, desk)
    reason, now = reason_from(form), desk.clock()
    wanted = form.get("enabled") == "yes"
    try:
        async with desk.connection() as connection:
            if not wanted:
                await switch_platform_off(
                    connection, platform.slug, by=account.name, reason=reason, now=now
                )
            elif await contests_that_need_two(connection, now):
                contest = await load_contest(connection, contest_of(request).slug)
                await propose_platform_on(
                    connection, contest, account, platform.slug, reason=reason, now=now
                )
                return _done(request, "proposed")
            else:
                await switch_platform_on(
                    connection, platform.slug, by=account.name, reason=reason, now=now
                )
    except (Refused, InvalidInput) as error:
        return await switch_form(request, form, error)
    return _done(request, "changed")


@signed_in(*DECIDERS, step_up=True)
async def approve(request: Request) -> Response:
    """The second person's word; the change is made in the same moment."""
    await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        await approve_change(
            connection,
            contest_of(request).slug,
            visitor(request).account,
            request.path_params["decision"],
            now=desk.clock(),
        )
    return _done(request, "approved")


@signed_in(*DECIDERS)
async def turn_down(request: Request) -> Response:
    """Declines a proposal, or takes one's own back."""
    form = await read_form(request)
    desk, contest, wanted = desk_of(request), contest_of(request), request.path_params["decision"]
    async with desk.connection() as connection:
        found = find_decision(await load_decisions(connection, contest.id), wanted)
        if found.kind != "settings":
            raise NotFound(f"decision {wanted} is about something else than settings")
        await decline(
            connection,
            contest,
            visitor(request).account,
            found,
            form.get("because", ""),
            now=desk.clock(),
        )
    return _done(request, "declined")


ROUTES = [
    Route(f"{PREFIX}/change/{{setting}}", change, methods=["POST"]),
    Route(f"{PREFIX}/platforms/{{platform}}", switch, methods=["POST"]),
    Route(f"{PREFIX}/decisions/{{decision:int}}/approve", approve, methods=["POST"]),
    Route(f"{PREFIX}/decisions/{{decision:int}}/decline", turn_down, methods=["POST"]),
]
