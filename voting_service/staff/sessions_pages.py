"""One's own account: where one is signed in, a new password."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.model import Account
from voting_service.accounts.sessions import end_session, load_sessions
from voting_service.accounts.store import change_password
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.journal.record import record

_HASH = re.compile(r"[0-9a-f]{64}")


@signed_in()
async def own_account(request: Request) -> Response:
    """Name, role and sessions of who asks."""
    desk, known = desk_of(request), visitor(request)
    async with desk.connection() as connection:
        sessions = await load_sessions(connection, known.account.id, desk.clock())
    return page(
        request,
        "staff/own_account.html",
        sessions=sessions,
        openid=desk.openid is not None,
    )


@signed_in()
async def end_own_session(request: Request) -> Response:
    """Ends one of one's own sessions; no proof is asked of who wants less access."""
    form = await read_form(request)
    await end_one(request, visitor(request).account, form.get("session", ""))
    return RedirectResponse("/account", 303)


@signed_in(step_up=True)
async def change_own_password(request: Request) -> Response:
    """Sets a new password and ends the other sessions."""
    form = await read_form(request)
    desk, known = desk_of(request), visitor(request)
    password = form.get("password", "")
    if password != form.get("again", ""):
        raise InvalidInput(Fault("again", "is not the same password", "两次输入的密码不一致。"))
    async with desk.connection() as connection, connection.transaction():
        await change_password(connection, known.account.id, password)
        for session in await load_sessions(connection, known.account.id, desk.clock()):
            if session.token_hash != known.session.token_hash:
                await end_session(connection, session.token_hash, desk.clock())
        await record(connection, known.account.name, "password_changed", subject=known.account.name)
    return RedirectResponse("/account", 303)


async def end_one(request: Request, owner: Account, session_id: str) -> None:
    """Ends a session if it is the owner's. Raises NotFound: whose it is otherwise is not said."""
    desk = desk_of(request)
    async with desk.connection() as connection, connection.transaction():
        theirs = await load_sessions(connection, owner.id, desk.clock())
        found = [session for session in theirs if session.id == session_id]
        if not _HASH.fullmatch(session_id) or not found:
            raise NotFound("there is no such session; it may have ended already")
        await end_session(connection, found[0].token_hash, desk.clock())
        await record(
            connection,
            visitor(request).account.name,
            "session_ended",
            subject=owner.name,
            details={"source": found[0].source},
        )


ROUTES = [
    Route("/account", own_account),
    Route("/account/password", change_own_password, methods=["POST"]),
    Route("/account/end-session", end_own_session, methods=["POST"]),
]
