"""Who asks, and whether they may: the guard in front of every page of the desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from hashlib import blake2b
from urllib.parse import quote, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.accounts.model import Account, Role, require_role
from voting_service.accounts.sessions import StaffSession, find_session, is_confirmed
from voting_service.desk.cookies import session_token
from voting_service.desk.state import desk_of
from voting_service.errors import IdentityNotConfirmed, NotSignedIn

Endpoint = Callable[[Request], Awaitable[Response]]

SIGN_IN, CONFIRM = "/sign-in", "/confirm"
REFRESH_HEADER = "desk-refresh"
"""What pages that stay open send when they ask again by themselves (static/charts.js)."""
_MARK_BYTES = 16


class Visitor(msgspec.Struct, frozen=True):
    """Whoever is signed in. `csrf` is the mark that forms of this session carry: a page of
    another site can neither read nor make it."""

    account: Account
    session: StaffSession
    csrf: str


def form_mark(token: str) -> str:
    """BLAKE2b of the session's token: known to its pages, and nothing leads back."""
    return blake2b(token.encode(), digest_size=_MARK_BYTES, person=b"staff form").hexdigest()


async def find_visitor(request: Request) -> Visitor | None:
    """Whoever is signed in, looked up once a request. Raises StoreUnavailable."""
    known: Visitor | None = getattr(request.state, "visitor", None)
    token = session_token(request)
    if known is not None or not token:
        return known
    desk = desk_of(request)
    async with desk.connection() as connection:
        found = await find_session(
            connection, token, desk.clock(), by_itself=REFRESH_HEADER in request.headers
        )
    if found is None:
        return None
    request.state.visitor = Visitor(*found, csrf=form_mark(token))
    return request.state.visitor  # type: ignore[no-any-return]


def visitor(request: Request) -> Visitor:
    """The visitor of an endpoint behind `signed_in`."""
    found: Visitor = request.state.visitor
    return found


def signed_in(*roles: Role, step_up: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Lets an endpoint be called by the roles, or by every role when none is named; with
    `step_up` only by somebody who proved within five minutes who they are.

    Pages lead to `/sign-in` or `/confirm` and back; for the rest it raises NotSignedIn,
    WrongRole or IdentityNotConfirmed.
    """

    def decorate(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            found = await find_visitor(request)
            if found is None:
                if wants_page(request):
                    return RedirectResponse(f"{SIGN_IN}?next={_way_back(request)}", 303)
                raise NotSignedIn("sign in at the desk, and send its cookie")
            if roles:
                require_role(found.account, *roles)
            if step_up and not is_confirmed(found.session, desk_of(request).clock()):
                if wants_page(request):
                    return RedirectResponse(f"{CONFIRM}?next={_way_back(request)}", 303)
                raise IdentityNotConfirmed("prove again who you are, at /confirm")
            return await endpoint(request)

        return guarded

    return decorate


def wants_page(request: Request) -> bool:
    """Whether whoever asks reads pages; else they are given problem documents."""
    path = request.url.path
    is_data = path.startswith("/api/") or path.endswith(".json")
    return not is_data and "text/html" in request.headers.get("accept", "")


def safe_next(wanted: str) -> str:
    """An address of ours as it was asked for, or the home page: never another site."""
    is_plain = wanted.isascii() and wanted.isprintable() and not set(wanted) & set("\\ ")
    if not is_plain or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    return wanted


def _way_back(request: Request) -> str:
    """Where to go on afterwards: the page asked for, or the one whose form was sent."""
    if request.method in {"GET", "HEAD"}:
        query = f"?{request.url.query}" if request.url.query else ""
        return quote(safe_next(request.url.path + query), safe="/")
    came_from = urlsplit(request.headers.get("referer", ""))
    ours = came_from.netloc == request.headers.get("host")
    return quote(safe_next(came_from.path) if ours else "/", safe="/")
