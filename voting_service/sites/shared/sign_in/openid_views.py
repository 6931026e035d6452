"""Sign in, confirm the identity and link an account, through the organisation's OpenID provider.

The browser returns from another site and so does not send the session's cookie (SameSite=Strict).
The state of the sign-in is in an encrypted cookie of its own, and the response is a page that
redirects: a redirect answer would still count as coming from the other site.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import NotFound, NotSignedIn
from voting_service.infrastructure.http_clients.openid_connect import OpenIdProvider
from voting_service.sites.shared.signed_in.access import (
    CurrentUser,
    current_user,
    safe_next,
    signed_in,
)
from voting_service.sites.shared.signed_in.client_network import network_of_request, source_of_tries
from voting_service.sites.shared.signed_in.cookies import (
    Cookie,
    delete_cookie,
    keep_session,
    read_cookie,
    session_token,
    set_cookie,
)
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts import service
from voting_service.staff.accounts.openid_sign_in import Purpose, decrypt, encrypt, start

CALLBACK = "/sign-in/openid/callback"
_COOKIE = Cookie("openid", 600, lax=True)


def _provider(request: Request) -> OpenIdProvider:
    provider = get_state(request).openid
    if provider is None:
        raise NotFound("sites.shared.sign_in.no_single_sign_on")
    return provider


def _redirect_uri(request: Request) -> str:
    return get_state(request).settings.staff_url + CALLBACK


async def _start(
    request: Request, purpose: Purpose, next_path: str, user: CurrentUser | None = None
) -> Response:
    state = get_state(request)
    pending = start(
        purpose,
        next_path,
        state.clock(),
        account_id=user.account.id if user else None,
        session=session_token(request) if user else "",
    )
    parameters = pending.parameters(_redirect_uri(request))
    address = await _provider(request).authorization_address(**parameters)
    response = _redirect_page(request, address)
    encrypted = encrypt(state.settings.master_key.get_secret_value(), pending)
    set_cookie(request, response, _COOKIE, encrypted)
    return response


def _redirect_page(request: Request, address: str) -> Response:
    """A page that redirects: the content security policy forbids forms to redirect to other sites,
    and a browser that comes from one does not send the session's cookie."""
    return page(request, "sign_in/onward.html", address=address)


@limiter.limit(rate("sign_in"), key_func=source_of_tries)
async def sign_in_with_openid(request: Request) -> Response:
    """Start a sign-in at the provider."""
    form = await read_form(request)
    return await _start(request, "sign_in", safe_next(form.get("next", "/")))


@signed_in()
async def confirm_with_openid(request: Request) -> Response:
    """Start fresh authentication at the provider."""
    form = await read_form(request)
    return await _start(request, "confirm", safe_next(form.get("next", "/")), current_user(request))


@signed_in(step_up=True)
async def connect_openid(request: Request) -> Response:
    """Start linking the user's account to a user of the provider."""
    await read_form(request)
    return await _start(request, "connect", "/account", current_user(request))


@limiter.limit(rate("sign_in"), key_func=source_of_tries)
async def callback(request: Request) -> Response:
    """Handle the provider's response. Raises NotSignedIn, TokenRefused or Unavailable."""
    state, provider = get_state(request), _provider(request)
    pending = decrypt(
        state.settings.master_key.get_secret_value(),
        read_cookie(request, _COOKIE),
        request.query_params.get("state", ""),
        state.clock(),
    )
    code = request.query_params.get("code", "")
    if not code:
        raise NotSignedIn("sites.shared.sign_in.provider_refused")
    claims = await provider.claims(pending.grant(code, _redirect_uri(request)))
    token = ""
    async with state.connection() as connection:
        if pending.purpose == "sign_in":
            token = await service.sign_in_with_openid(
                connection, claims, network_of_request(request), state.clock()
            )
        else:
            # The session's cookie is not sent on the way back from the provider, so the session
            # is the one that the encrypted cookie names.
            await service.prove_with_openid(connection, pending, claims, state.clock())
    response = _redirect_page(request, pending.next)
    delete_cookie(request, response, _COOKIE)
    if token:
        keep_session(request, response, token)
    return response


ROUTES = [
    Route("/sign-in/openid", sign_in_with_openid, methods=["POST"]),
    Route("/confirm/openid", confirm_with_openid, methods=["POST"]),
    Route("/account/openid", connect_openid, methods=["POST"]),
    Route(CALLBACK, callback),
]
