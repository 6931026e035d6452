"""Addresses at which the user wants messages; and the link of an invitation, sent to somebody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import InvalidInput, NotFound
from voting_service.i18n.formatting import written_moment
from voting_service.i18n.text import LANGUAGES, Language, Text
from voting_service.sites.shared.sign_in.own_account_views import account_page
from voting_service.sites.shared.signed_in.access import current_actor, master_key, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.invitations import find_invitation
from voting_service.staff.messages.contacts import remove_contact, set_contact, verify_contact
from voting_service.staff.messages.invitations import InvitationMessage, send_link
from voting_service.staff.messages.model import Channel
from voting_service.staff.messages.senders import open_channels

CONTACTS = "/account#messages"


def _channel(request: Request, name: str) -> Channel:
    """Return a channel that is set up. Raises NotFound."""
    for channel in open_channels(get_state(request).settings):
        if channel == name:
            return channel
    raise NotFound("staff.messages.no_such_contact")


def _language(form: dict[str, str]) -> Language:
    return "en" if form.get("language") == "en" else "zh"


async def _refused(
    request: Request, channel: Channel, error: InvalidInput, typed: dict[str, str]
) -> Response:
    """Show the page again, with what was wrong beside the field and what was typed in it."""
    reader = language(request)
    faults = {fault.field: fault.text(reader) for fault in error.faults}
    return await account_page(request, status=422, refused=channel, faults=faults, typed=typed)


@signed_in()
async def save(request: Request) -> Response:
    """Store an address and send a code to it."""
    form = await read_form(request)
    channel = _channel(request, request.path_params["channel"])
    try:
        async with get_state(request).connection() as connection:
            actor = current_actor(request, connection)
            address, key = form.get("address", ""), master_key(request)
            await set_contact(actor, key, channel, address, _language(form))
    except InvalidInput as error:
        return await _refused(request, channel, error, form)
    return RedirectResponse(CONTACTS, 303)


@signed_in()
async def verify(request: Request) -> Response:
    """Take the code that was sent."""
    form = await read_form(request)
    channel = _channel(request, request.path_params["channel"])
    try:
        async with get_state(request).connection() as connection:
            actor = current_actor(request, connection)
            await verify_contact(actor, master_key(request), channel, form.get("code", ""))
    except InvalidInput as error:
        return await _refused(request, channel, error, form)
    return RedirectResponse(CONTACTS, 303)


@signed_in()
async def remove(request: Request) -> Response:
    """Delete an address."""
    await read_form(request)
    channel = _channel(request, request.path_params["channel"])
    async with get_state(request).connection() as connection:
        await remove_contact(current_actor(request, connection), channel)
    return RedirectResponse(CONTACTS, 303)


@signed_in("administrator", step_up=True)
async def send_invitation(request: Request) -> Response:
    """Send the link of an invitation, and show it once more."""
    form = await read_form(request)
    state = get_state(request)
    token = form.get("token", "")
    link = f"{state.settings.staff_url}/invitation/{token}"
    fault = None
    async with state.connection() as connection:
        invitation = await find_invitation(connection, token, state.clock())
        zone = state.default_zone()
        until = {name: written_moment(invitation.expires_at, zone, name) for name in LANGUAGES}
        sent = InvitationMessage(
            link,
            Text(**until),
            _channel(request, form.get("channel", "")),
            form.get("address", ""),
            _language(form),
        )
        try:
            await send_link(
                current_actor(request, connection), master_key(request), invitation, sent
            )
        except InvalidInput as error:
            fault = error.faults[0].text(language(request))
    return page(
        request,
        "sign_in/link_sent.html",
        status=422 if fault else 200,
        link=link,
        note=invitation.note,
        channels=open_channels(state.settings),
        fault=fault,
        typed=form,
    )


ROUTES = [
    Route("/account/contacts/{channel}", save, methods=["POST"]),
    Route("/account/contacts/{channel}/verify", verify, methods=["POST"]),
    Route("/account/contacts/{channel}/remove", remove, methods=["POST"]),
    Route("/invitations/send", send_invitation, methods=["POST"]),
]
