"""The signed-in user, and the guard of every endpoint for staff."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from hashlib import blake2b
from urllib.parse import quote, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match

from voting_service.errors import IdentityNotConfirmed, NotSignedIn
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.sites.shared.signed_in.cookies import session_token
from voting_service.sites.shared.signed_in.form_tokens import bind_to_account
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.kept_posts import (
    forget_post,
    load_kept_posts,
    move_kept_posts,
)
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
DOWNLOAD = "download"
"""In the query of `/confirm`: `next` is a file."""
REFRESH_HEADER = "background-refresh"
"""The header of requests that an open page repeats by itself (static/charts.js)."""
_MARK_BYTES = 16


class CurrentUser(msgspec.Struct, frozen=True):
    """The signed-in user. `csrf` is the mark that forms of this session carry (form_tokens.py)."""

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
    mark = bind_to_account(master_key(request), csrf_token(token), session[0].id)
    request.state.user = CurrentUser(*session, csrf=mark)
    return request.state.user  # type: ignore[no-any-return]


def master_key(request: Request) -> bytes:
    """Return the master key."""
    return get_state(request).settings.master_key.get_secret_value()


def current_user(request: Request) -> CurrentUser:
    """Return the user in an endpoint behind `signed_in`."""
    user: CurrentUser = request.state.user
    return user


def current_actor(request: Request, connection: AnyConnection) -> Actor:
    """Return the signed-in account as an actor on `connection`, now."""
    return Actor(connection, current_user(request).account, get_state(request).clock())


def signed_in(
    *roles: Role, step_up: bool = False, is_file: bool = False
) -> Callable[[Endpoint], Endpoint]:
    """Allow an endpoint to the roles, or to every role when none is named; with `step_up` only to a
    user who confirmed their identity in the last five minutes. `is_file`: it answers with a file to
    keep, which `/confirm` announces as a download.

    A request for a page is redirected to `/sign-in` or `/confirm`; any other raises NotSignedIn,
    WrongRole or IdentityNotConfirmed. The error of a post keeps what was posted and leads there
    (error_pages.py); the page shows it again, until the same form is taken.
    """

    def decorate(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            user = await find_current_user(request)
            if user is None:
                if is_page_request(request):
                    return RedirectResponse(f"{SIGN_IN}?next={_here(request)}", 303)
                raise NotSignedIn("sites.shared.signed_in.sign_in_first")
            if roles:
                require_role(user.account, *roles)
            if step_up and not is_confirmed(user.session, get_state(request).clock()):
                if is_page_request(request):
                    then = f"&{DOWNLOAD}=1" if is_file else ""
                    return RedirectResponse(f"{CONFIRM}?next={_here(request)}{then}", 303)
                raise IdentityNotConfirmed("sites.shared.signed_in.confirm_identity")
            if is_page_request(request):
                return await _with_kept_posts(request, user, endpoint)
            response = await endpoint(request)
            if getattr(request.state, "has_kept_post", False):  # saved, or shown with its faults
                async with get_state(request).connection() as connection:
                    await forget_post(connection, user.account.id, form_path(request))
            return response

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


def is_page_request(request: Request) -> bool:
    """Return whether a page is asked for, and nothing posted."""
    return request.method in {"GET", "HEAD"} and wants_page(request)


def form_path(request: Request) -> str:
    """Return where a form posts to; its script posts to the same address with `.json`."""
    return request.url.path.removesuffix(".json")


def page_before(request: Request) -> str:
    """Return the page of this site that the browser came from, "/" where it does not say."""
    came_from = urlsplit(request.headers.get("referer", ""))
    if came_from.netloc != request.headers.get("host"):
        return "/"
    return safe_next(came_from.path + (f"?{came_from.query}" if came_from.query else ""))


def page_of_post(request: Request) -> str:
    """Return the page that has the form of a post: where the browser came from, else the
    nearest page above the form's address."""
    came_from = urlsplit(request.headers.get("referer", ""))
    if came_from.netloc == request.headers.get("host") and came_from.path:
        return safe_next(came_from.path)
    path = form_path(request)
    while path.strip("/"):
        scope = {**request.scope, "method": "GET", "path": path}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            return safe_next(path)
        path = path.rpartition("/")[0]
    return "/"


def _here(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(safe_next(request.url.path + query), safe="/")


async def _with_kept_posts(request: Request, user: CurrentUser, endpoint: Endpoint) -> Response:
    """Show a page with what was kept of its forms (rendering.py). Where it leads to another page,
    that one shows it."""
    state, page = get_state(request), request.url.path
    async with state.connection() as connection:
        request.state.kept_posts = await load_kept_posts(
            connection, master_key(request), user.account.id, page, state.clock()
        )
    response = await endpoint(request)
    if request.state.kept_posts and isinstance(response, RedirectResponse):
        target = urlsplit(response.headers["location"]).path
        async with state.connection() as connection:
            await move_kept_posts(connection, user.account.id, page, target)
    return response
