"""Switch or change a platform: one person before a contest is announced, two afterwards.

Every action needs a recently confirmed identity. A refused form is shown again as it was filled
in.
"""

from __future__ import annotations

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.pictures.model import describe_logo
from voting_service.contests.settings.platform_changes import (
    PlatformChange,
    change_platform,
    switch_on,
    switch_platform_off,
)
from voting_service.contests.settings.platform_terms import (
    edited,
    read_terms,
    removes_key,
    with_terms,
)
from voting_service.errors import InvalidInput, Refused
from voting_service.infrastructure.images.uploads import encode_upload
from voting_service.sites.console.settings.forms import platform_edit_from, reason_from
from voting_service.sites.console.settings.platform_views import (
    change_form,
    load_platform,
    switch_form,
)
from voting_service.sites.console.settings.views import PREFIX
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import encoding_turn, read_upload
from voting_service.staff.approvals.model import DECIDERS
from voting_service.voting.voters.service import try_sign_in

_DONE = {"done": "changed", "proposed": "proposed", "approved": "approved"}


@signed_in(*DECIDERS, step_up=True)
async def switch(request: Request) -> Response:
    """Switch a platform off at once, or on, or propose to switch it on."""
    form = await read_form(request)
    state = get_state(request)
    platform = await load_platform(request, state)
    reason, ends = reason_from(form), form.get("end_sessions") == "yes"
    result = "done"
    try:
        async with state.connection() as connection:
            actor = current_actor(request, connection)
            if form.get("enabled") == "yes":
                change = switch_on(platform, end_sessions=ends)
                result = (await change_platform(actor, change, reason=reason)).state
            else:
                await switch_platform_off(
                    connection, platform.slug, by=actor.account.name, reason=reason, now=actor.now
                )
    except (Refused, InvalidInput) as error:
        return await switch_form(request, form, error)
    return redirect_done(request, PREFIX, _DONE[result])


@signed_in(*DECIDERS, step_up=True)
@limiter.limit(rate("upload"))
async def change(request: Request) -> Response:
    """Change a platform's keys, origins, name, logo or ceiling, or propose it. New keys are
    tried."""
    posted = await read_upload(request)
    form = {name: values[0] for name, values in posted.fields.items()}
    state = get_state(request)
    platform = await load_platform(request, state)
    try:
        before = read_terms(platform)
        edit, encoded = platform_edit_from(form, before), None
        if "logo" in posted.files:
            upload = posted.file("logo")
            async with encoding_turn():
                encoded = await encode_upload(upload.content, upload.name, "logo", field="logo")
            edit = replace(edit, logo=describe_logo(encoded))
        after = edited(before, edit)
        ends = form.get("end_sessions") == "yes" or (
            form.get("end_sessions") != "no" and removes_key(before, after)
        )
        if after.config != before.config:
            await try_sign_in(state.settings, with_terms(platform, after))
        async with state.connection() as connection:
            result = await change_platform(
                current_actor(request, connection),
                PlatformChange(platform.slug, after, ends, encoded),
                reason=reason_from(form),
            )
    except (Refused, InvalidInput) as error:
        return await change_form(request, form, error)
    return redirect_done(request, PREFIX, _DONE[result.state])


ROUTES = [
    Route(f"{PREFIX}/platforms/{{platform}}", switch, methods=["POST"]),
    Route(f"{PREFIX}/platforms/{{platform}}/change", change, methods=["POST"]),
]
