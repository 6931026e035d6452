"""The signed-in user, and the guard of every endpoint for staff."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from hashlib import blake2b
from urllib.parse import quote, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.errors import IdentityNotConfirmed, NotSignedIn
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.sites.shared.signed_in.cookies import session_token
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.model import (
    Account,
    Role,
    require_role,
)
from voting_service.staff.accounts.sessions import (
    StaffSession,
    find_session,
    is_confirmed,
)
from voting_service.staff.actor import Actor

Endpoint = Callable[[Request], Awaitable[Response]]

SIGN_IN, CONFIRM = "/sign-in", "/confirm"
REFRESH_HEADER = "background-refresh"
"""The header of requests that an open page repeats by itself (static/charts.js)."""
_MARK_BYTES = 16


class CurrentUser(msgspec.Struct, frozen=True):
    """The signed-in user. `csrf` is the token that forms of this session carry."""

    account: Account
    session: StaffSession
    csrf: str


def csrf_token(token: str) -> str:
    """Return the CSRF token of a session: BLAKE2b of the session's token."""
    return blake2b(token.encode(), digest_size=_MARK_BYTES, person=b"staff form").hexdigest()


async def find_current_user(request: Request) -> CurrentUser | None:
    """Return the signed-in user, loaded once per request; None without one. Raises
    StoreUnavailable."""
    user: CurrentUser | None = getattr(request.state, "user", None)
    token = session_token(request)
    if user is not None or not token:
        return user
    state = get_state(request)
    async with state.connection() as connection:
        session = await find_session(
            connection, token, state.clock(), by_itself=REFRESH_HEADER in request.headers
        )
    if session is None:
        return None
    request.state.user = CurrentUser(*session, csrf=csrf_token(token))
    return request.state.user  # type: ignore[no-any-return]


def current_user(request: Request) -> CurrentUser:
    """Return the user in an endpoint behind `signed_in`."""
    user: CurrentUser = request.state.user
    return user


def current_actor(request: Request, connection: AnyConnection) -> Actor:
    """Return the signed-in account as an actor on `connection`, now."""
    return Actor(connection, current_user(request).account, get_state(request).clock())


def signed_in(*roles: Role, step_up: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Allow an endpoint to the roles, or to every role when none is named; with `step_up` only to a
    user who confirmed their identity in the last five minutes.

    A page request is redirected to `/sign-in` or `/confirm`; any other raises NotSignedIn,
    WrongRole or IdentityNotConfirmed.
    """

    def decorate(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            user = await find_current_user(request)
            if user is None:
                if wants_page(request):
                    return RedirectResponse(f"{SIGN_IN}?next={_way_back(request)}", 303)
                raise NotSignedIn("sites.shared.signed_in.sign_in_first")
            if roles:
                require_role(user.account, *roles)
            if step_up and not is_confirmed(user.session, get_state(request).clock()):
                if wants_page(request):
                    return RedirectResponse(f"{CONFIRM}?next={_way_back(request)}", 303)
                raise IdentityNotConfirmed("sites.shared.signed_in.confirm_identity")
            return await endpoint(request)

        return guarded

    return decorate


def wants_page(request: Request) -> bool:
    """Return whether the client accepts HTML; otherwise it gets problem documents."""
    path = request.url.path
    is_data = path.startswith("/api/") or path.endswith(".json")
    return not is_data and "text/html" in request.headers.get("accept", "")


def safe_next(path: str) -> str:
    """Return an address of this site unchanged, and "/" for any other."""
    is_plain = path.isascii() and path.isprintable() and not set(path) & set("\\ ")
    if not is_plain or not path.startswith("/") or path.startswith("//"):
        return "/"
    return path


def _way_back(request: Request) -> str:
    """Return where to continue afterwards: the requested page, or the page with the form."""
    if request.method in {"GET", "HEAD"}:
        query = f"?{request.url.query}" if request.url.query else ""
        return quote(safe_next(request.url.path + query), safe="/")
    came_from = urlsplit(request.headers.get("referer", ""))
    ours = came_from.netloc == request.headers.get("host")
    return quote(safe_next(came_from.path) if ours else "/", safe="/")
