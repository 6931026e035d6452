"""Change settings: one person before the rules are announced, two afterwards.

Every action needs a recently confirmed identity. A refused form is shown again as it was filled
in.
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.pictures.model import describe_logo
from voting_service.contests.pictures.repository import store_logo_file
from voting_service.contests.repository import load_contest
from voting_service.contests.settings.service import approve_change, change_setting, decline_change
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.images.uploads import encode_upload
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.declining import decline_from_form
from voting_service.sites.console.settings.forms import reason_from, value_from
from voting_service.sites.console.settings.views import (
    PREFIX,
    setting_form,
    setting_from_path,
)
from voting_service.sites.shared.multipart import Posted
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import encoding_turn, read_upload
from voting_service.staff.approvals.model import DECIDERS


@signed_in(*DECIDERS, step_up=True)
@limiter.limit(rate("upload"))
async def change(request: Request) -> Response:
    """Change a setting, or propose the change."""
    setting = setting_from_path(request)
    if setting == "logo":
        return await _change_logo(request)
    form = await read_form(request)
    try:
        async with get_state(request).connection() as connection:
            contest = await load_contest(connection, contest_from_path(request).slug)
            value = value_from(form, setting, contest)
            proposed = await change_setting(
                current_actor(request, connection),
                contest,
                setting,
                value,
                reason=reason_from(form),
            )
    except (Refused, InvalidInput) as error:
        return await setting_form(request, form, error)
    return redirect_done(request, PREFIX, "changed" if proposed is None else "proposed")


async def _change_logo(request: Request) -> Response:
    """The same for the logo, whose form has a file and a box that removes the logo."""
    posted = await read_upload(request)
    form = {name: values[0] for name, values in posted.fields.items()}
    logo = None
    try:
        if "logo" in posted.files or not form.get("remove_logo"):
            logo = await _encode_logo(posted)
        async with get_state(request).connection() as connection:
            contest = await load_contest(connection, contest_from_path(request).slug)
            if logo is not None:
                await store_logo_file(connection, logo)
            value = msgspec.to_builtins(logo and describe_logo(logo))
            proposed = await change_setting(
                current_actor(request, connection), contest, "logo", value, reason=reason_from(form)
            )
    except (Refused, InvalidInput) as error:
        return await setting_form(request, form, error)
    return redirect_done(request, PREFIX, "changed" if proposed is None else "proposed")


async def _encode_logo(posted: Posted) -> EncodedPicture:
    """Return the logo of a form. Raises InvalidInput without one: a browser loses the file when a
    form is shown again, which is no wish to remove the logo."""
    if "logo" not in posted.files:
        raise InvalidInput(Fault("logo", "sites.console.settings.no_logo_file"))
    upload = posted.file("logo")
    async with encoding_turn():
        return await encode_upload(upload.content, upload.name, "logo", field="logo")


@signed_in(*DECIDERS, step_up=True)
async def approve(request: Request) -> Response:
    """Approve a change, which takes effect at once."""
    await read_form(request)
    state = get_state(request)
    async with state.connection() as connection:
        await approve_change(
            current_actor(request, connection),
            contest_from_path(request).slug,
            request.path_params["approval"],
        )
    return redirect_done(request, PREFIX, "approved")


@signed_in(*DECIDERS)
async def reject(request: Request) -> Response:
    """Decline a change, or withdraw one's own."""
    await decline_from_form(request, decline_change)
    return redirect_done(request, PREFIX, "declined")


ROUTES = [
    Route(f"{PREFIX}/change/{{setting}}", change, methods=["POST"]),
    Route(f"{PREFIX}/approvals/{{approval:int}}/approve", approve, methods=["POST"]),
    Route(f"{PREFIX}/approvals/{{approval:int}}/decline", reject, methods=["POST"]),
]
