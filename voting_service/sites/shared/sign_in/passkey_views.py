"""What a browser asks a passkey for, and what it answered; static/passkeys.js is in between."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import NotFound
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.client_network import source_of_tries
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.messages import messages
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.passkeys import (
    PasskeyAnswer,
    PasskeyOrigin,
    registration_options,
    sign_in_options,
)


def passkey_site(request: Request) -> PasskeyOrigin:
    """Return the site that passkeys are bound to. Raises NotFound where there are none."""
    settings = get_state(request).settings
    if settings.passkey_host is None:
        raise NotFound("sites.shared.sign_in.no_passkeys")
    return PasskeyOrigin(
        settings.passkey_host, settings.staff_url, messages(request, "passkeys")["site"]
    )


def passkey_answer(request: Request, form: Mapping[str, str]) -> PasskeyAnswer | None:
    """Return what a browser answered for a passkey; None where none was asked."""
    answer = form.get("passkey", "")
    return PasskeyAnswer(passkey_site(request), answer) if answer else None


@limiter.limit(rate("sign_in"), key_func=source_of_tries)
async def post_sign_in_options(request: Request) -> Response:
    """Return a challenge for the sign-in, as JSON."""
    await read_form(request)
    site, state = passkey_site(request), get_state(request)
    async with state.connection() as connection:
        options = await sign_in_options(connection, site, state.clock())
    return Response(options, 200, PAGE_HEADERS, media_type="application/json")


@signed_in(step_up=True)
async def show_registration_options(request: Request) -> Response:
    """Return a challenge for a new passkey of the user, as JSON."""
    site, state = passkey_site(request), get_state(request)
    async with state.connection() as connection:
        account = current_user(request).account
        options = await registration_options(connection, site, account, state.clock())
    return Response(options, 200, PAGE_HEADERS, media_type="application/json")


ROUTES = [
    Route("/sign-in/passkey", post_sign_in_options, methods=["POST"]),
    Route("/account/passkeys/options", show_registration_options),
]
