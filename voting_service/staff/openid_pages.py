"""Signing in, and proving again who one is, with the office's own account.

The provider leads the browser back from another site, so the session's cookie, which only our
own pages send, is not there: what was begun comes in a sealed cookie of its own, and the answer
is a page of ours that leads on.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.accounts.office_sign_in import (
    Begun,
    Purpose,
    account_of_subject,
    begin,
    check_fresh,
    connect_subject,
    is_subject_of,
    proved_at,
    seal,
    unseal,
)
from voting_service.accounts.sessions import confirm_session, open_session, session_is_open
from voting_service.accounts.sign_in import TooManyTries
from voting_service.accounts.store import load_account
from voting_service.desk.access import Visitor, safe_next, signed_in, visitor
from voting_service.desk.cookies import cookie_name, keep_session, set_cookie
from voting_service.desk.forms import read_form
from voting_service.desk.limits import count_try
from voting_service.desk.rendering import page
from voting_service.desk.source import source_of
from voting_service.desk.state import desk_of
from voting_service.errors import NotFound, NotSignedIn, SlowDown
from voting_service.journal.record import record
from voting_service.outside.openid import Claims, OpenIdProvider
from voting_service.storage.postgres import AnyConnection

CALLBACK = "/sign-in/openid/callback"
_COOKIE = "openid"
_COOKIE_SECONDS = 600


def _provider(request: Request) -> OpenIdProvider:
    provider = desk_of(request).openid
    if provider is None:
        raise NotFound("this office has no sign-in of its own")
    return provider


def _redirect_uri(request: Request) -> str:
    return desk_of(request).settings.office_url + CALLBACK


async def _count(request: Request) -> None:
    try:
        await count_try("sign_in", request)
    except TooManyTries as refusal:
        raise SlowDown(refusal.retry_after_seconds) from None


async def _begin(
    request: Request, purpose: Purpose, wanted: str, known: Visitor | None = None
) -> Response:
    desk = desk_of(request)
    begun = begin(
        purpose,
        wanted,
        desk.clock(),
        account_id=known.account.id if known else None,
        session=known.session.id if known else "",
    )
    parameters = begun.parameters(_redirect_uri(request))
    address = await _provider(request).authorization_address(**parameters)
    response = _onward(request, address)
    sealed = seal(desk.settings.master_key.get_secret_value(), begun)
    set_cookie(request, response, _COOKIE, sealed, _COOKIE_SECONDS, lax=True)
    return response


def _onward(request: Request, address: str) -> Response:
    """Leads on from a page of ours: the policy keeps forms from being sent on to other sites,
    and a browser that comes from one does not send the session's cookie."""
    return page(request, "staff/onward.html", address=address)


async def sign_in_with_office(request: Request) -> Response:
    """Begins a sign-in at the provider."""
    await _count(request)
    form = await read_form(request)
    return await _begin(request, "sign_in", safe_next(form.get("next", "/")))


@signed_in()
async def confirm_with_office(request: Request) -> Response:
    """Begins a fresh proof at the provider."""
    form = await read_form(request)
    return await _begin(request, "confirm", safe_next(form.get("next", "/")), visitor(request))


@signed_in(step_up=True)
async def connect_with_office(request: Request) -> Response:
    """Begins connecting one's own account with a user of the provider."""
    await read_form(request)
    return await _begin(request, "connect", "/account", visitor(request))


async def callback(request: Request) -> Response:
    """Takes the provider's answer. Raises NotSignedIn, TokenRefused or Unavailable."""
    await _count(request)
    desk, provider = desk_of(request), _provider(request)
    begun = unseal(
        desk.settings.master_key.get_secret_value(),
        request.cookies.get(cookie_name(request, _COOKIE), ""),
        request.query_params.get("state", ""),
        desk.clock(),
    )
    code = request.query_params.get("code", "")
    if not code:
        raise NotSignedIn("the provider did not sign you in; try again")
    claims = await provider.claims(begun.grant(code, _redirect_uri(request)))
    token = ""
    async with desk.connection() as connection, connection.transaction():
        if begun.purpose == "sign_in":
            token = await _sign_in(request, connection, claims)
        else:
            await _prove(request, connection, begun, claims)
    response = _onward(request, begun.next)
    set_cookie(request, response, _COOKIE, "", 0, lax=True)
    if token:
        keep_session(request, response, token)
    return response


async def _sign_in(request: Request, connection: AnyConnection, claims: Claims) -> str:
    account = await account_of_subject(connection, claims.sub)
    source = source_of(request)
    now = desk_of(request).clock()
    token, _ = await open_session(
        connection, account, source, now, proved_at=proved_at(claims, now)
    )
    details = {"source": source, "by": "openid"}
    await record(connection, account.name, "signed_in", details=details)
    return token


async def _prove(request: Request, connection: AnyConnection, begun: Begun, claims: Claims) -> None:
    """For the session that began it, whose cookie does not come along."""
    check_fresh(claims, begun)
    assert begun.account_id is not None
    account = await load_account(connection, begun.account_id)
    if account.disabled:
        raise NotSignedIn("the account is disabled")
    now = desk_of(request).clock()
    if not await session_is_open(connection, bytes.fromhex(begun.session), account.id):
        raise NotSignedIn("the session has ended; sign in again")
    if begun.purpose == "connect":
        await connect_subject(connection, account.id, claims.sub)
        await record(connection, account.name, "account_connected", subject=account.name)
        return
    if not await is_subject_of(connection, account.id, claims.sub):
        raise NotSignedIn("this is another user than the one your account is connected with")
    if not await confirm_session(connection, bytes.fromhex(begun.session), now):
        raise NotSignedIn("the session has ended; sign in again")
    await record(connection, account.name, "confirmed_identity", details={"by": "openid"})


ROUTES = [
    Route("/sign-in/openid", sign_in_with_office, methods=["POST"]),
    Route("/confirm/openid", confirm_with_office, methods=["POST"]),
    Route("/account/openid", connect_with_office, methods=["POST"]),
    Route(CALLBACK, callback),
]
