"""Sign in, confirm the identity, sign out."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from slowapi.errors import RateLimitExceeded
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import NotFound, NotSignedIn
from voting_service.i18n.text import LANGUAGES
from voting_service.sites.shared.sign_in.passkey_views import passkey_answer
from voting_service.sites.shared.signed_in.access import (
    CONFIRM,
    DOWNLOAD,
    current_user,
    find_current_user,
    page_before,
    safe_next,
    signed_in,
)
from voting_service.sites.shared.signed_in.client_network import network_of_request, source_of_tries
from voting_service.sites.shared.signed_in.cookies import (
    forget_session,
    keep_device,
    keep_language,
    keep_session,
)
from voting_service.sites.shared.signed_in.form_filling import KEPT
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.messages import messages
from voting_service.sites.shared.signed_in.rate_limits import RETRY_SECONDS, limiter, rate
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.failed_sign_ins import TooManyTries, record_failure
from voting_service.staff.accounts.invitations import INVITATION_HOURS
from voting_service.staff.accounts.kept_posts import forget_post
from voting_service.staff.accounts.repository import plain_name
from voting_service.staff.accounts.service import confirm_identity, start_session
from voting_service.staff.accounts.service import sign_out as end_own_session
from voting_service.staff.accounts.sessions import is_confirmed
from voting_service.staff.accounts.sign_in import (
    SignInAttempt,
    authenticate,
    prove_again,
)

AUDIT_LOG_ACTOR = "console"
"""The actor of audit log lines about failed sign-ins."""


async def sign_in_page(request: Request) -> Response:
    """Show the form; a signed-in user is redirected."""
    next_path = safe_next(request.query_params.get("next", "/"))
    if await find_current_user(request) is not None:
        return RedirectResponse(next_path, 303)
    texts, query = messages(request, "sign_in"), request.query_params
    notice = texts["welcome"] if "welcome" in query else texts["kept"] if KEPT in query else ""
    return _sign_in_form(request, next_path, notice=notice)


def _sign_in_form(
    request: Request, next_path: str, *, name: str = "", notice: str = "", status: int = 200
) -> Response:
    return page(
        request,
        "sign_in/sign_in.html",
        status=status,
        next=next_path,
        name=name,
        notice=notice,
        is_error=status != 200,
        openid=get_state(request).openid is not None,
        passkeys=get_state(request).settings.passkey_host is not None,
        contact=get_state(request).settings.staff_contact,
        hours=INVITATION_HOURS,
    )


def _wait_form(request: Request, next_path: str, name: str, seconds: int) -> Response:
    notice = messages(request, "sign_in")["wait"].format(seconds=seconds)
    response = _sign_in_form(request, next_path, name=name, notice=notice, status=429)
    response.headers["retry-after"] = str(seconds)
    return response


@limiter.limit(rate("sign_in"), key_func=source_of_tries)
async def _count_try(request: Request) -> Response:
    return Response()


async def sign_in(request: Request) -> Response:
    """Open a session for the right name, password and code or passkey. Every refusal keeps the
    name."""
    form = await read_form(request)
    state = get_state(request)
    next_path, name = safe_next(form.get("next", "/")), form.get("name", "")
    try:
        await _count_try(request)
    except RateLimitExceeded:
        return _wait_form(request, next_path, name, RETRY_SECONDS)
    network, source = network_of_request(request), source_of_tries(request, plain_name(name))
    texts = messages(request, "sign_in")
    async with state.connection() as connection:
        try:
            person = await authenticate(
                connection,
                state.settings.master_key.get_secret_value(),
                SignInAttempt(
                    name,
                    form.get("password", ""),
                    form.get("code", ""),
                    source=source,
                    passkey=passkey_answer(request, form),
                ),
                clock=state.clock,
            )
        except TooManyTries as refusal:
            return _wait_form(request, next_path, name, refusal.retry_after_seconds)
        except NotSignedIn:
            await record_failure(connection, name, program=AUDIT_LOG_ACTOR, source=network)
            return _sign_in_form(request, next_path, name=name, notice=texts["wrong"], status=401)
        token = await start_session(connection, person, network, state.clock())
    response = RedirectResponse(next_path, 303)
    keep_session(request, response, token)
    keep_device(request, response, person.account.name)
    return response


@signed_in()
async def confirm_page(request: Request) -> Response:
    """Ask the user to confirm their identity; once that is done and a file was asked for, have it
    downloaded, with the way back."""
    query = request.query_params
    destination = _Destination(
        safe_next(query.get("next", "/")),
        safe_next(query.get("back", "")) if "back" in query else page_before(request),
        is_file=DOWNLOAD in query,
    )
    is_done = is_confirmed(current_user(request).session, get_state(request).clock())
    if destination.is_file and is_done:
        return page(request, "sign_in/confirmed.html", destination=destination)
    return _confirm_form(request, destination)


class _Destination(NamedTuple):
    """Where a user who confirms wants to go; `back` is the page with the link to a file."""

    next: str
    back: str
    is_file: bool

    @property
    def address(self) -> str:
        """Where the confirmation leads: the page; for a file `/confirm`, which has it begin."""
        if not self.is_file:
            return self.next
        return f"{CONFIRM}?{urlencode({'next': self.next, 'back': self.back, DOWNLOAD: 1})}"


def _confirm_form(
    request: Request, destination: _Destination, *, notice: str = "", status: int = 200
) -> Response:
    state = get_state(request)
    return page(
        request,
        "sign_in/confirm.html",
        status=status,
        destination=destination,
        notice=notice,
        openid=state.openid is not None,
        passkeys=state.settings.passkey_host is not None,
    )


@signed_in()
@limiter.limit(rate("confirm"), key_func=source_of_tries)
async def confirm(request: Request) -> Response:
    """Take the password, a one-time code or a passkey as proof."""
    form = await read_form(request)
    state, user = get_state(request), current_user(request)
    destination = _Destination(
        safe_next(form.get("next", "/")), safe_next(form.get("back", "/")), DOWNLOAD in form
    )
    texts, name = messages(request, "confirm"), user.account.name
    async with state.connection() as connection:
        try:
            await prove_again(
                connection,
                state.settings.master_key.get_secret_value(),
                user.account,
                passkey_answer(request, form) or form.get("proof", ""),
                clock=state.clock,
                source=source_of_tries(request, name),
            )
        except TooManyTries as refusal:
            notice = messages(request, "sign_in")["wait"].format(
                seconds=refusal.retry_after_seconds
            )
            return _confirm_form(request, destination, notice=notice, status=429)
        except NotSignedIn:
            network = network_of_request(request)
            await record_failure(connection, name, program=AUDIT_LOG_ACTOR, source=network)
            return _confirm_form(request, destination, notice=texts["wrong"], status=401)
        await confirm_identity(connection, user.account, user.session, state.clock())
    return RedirectResponse(destination.address, 303)


@signed_in()
async def sign_out(request: Request) -> Response:
    """End the session on the server and in the browser."""
    await read_form(request)
    state, user = get_state(request), current_user(request)
    async with state.connection() as connection:
        await end_own_session(connection, user.account, user.session, state.clock())
    response = RedirectResponse("/sign-in", 303)
    forget_session(request, response)
    return response


@signed_in()
async def discard_kept_post(request: Request) -> Response:
    """Give up what was kept of a form that came too late."""
    form = await read_form(request)
    state, user = get_state(request), current_user(request)
    async with state.connection() as connection:
        await forget_post(connection, user.account.id, form.get("path", ""))
    return RedirectResponse(safe_next(form.get("next", "/")), 303)


async def choose_language(request: Request) -> Response:
    """Store the reader's language in a cookie."""
    for language in LANGUAGES:
        if language == request.path_params["language"]:
            next_path = safe_next(request.query_params.get("next", "/"))
            response = RedirectResponse(next_path, 303)
            keep_language(request, response, language)
            return response
    raise NotFound("sites.shared.sign_in.no_such_language")


ROUTES = [
    Route("/sign-in", sign_in_page),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/confirm", confirm_page),
    Route("/confirm", confirm, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
    Route("/kept/discard", discard_kept_post, methods=["POST"]),
    Route("/language/{language}", choose_language),
]
