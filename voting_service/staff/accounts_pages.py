"""The staff's accounts, for administrators: invite, renew, disable, end sessions; and for whoever
approves invitations."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.invitations import (
    APPROVERS,
    approve_invitation,
    invite,
    load_invitations,
    revoke,
)
from voting_service.accounts.model import STAFF, Account, Role
from voting_service.accounts.sessions import end_all_sessions, load_sessions
from voting_service.accounts.store import disable_account, load_account, load_accounts
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.staff.sessions_pages import end_one

_HASH = re.compile(r"[0-9a-f]{64}")


@signed_in(*APPROVERS)
async def accounts(request: Request) -> Response:
    """Everybody, and the invitations that are open."""
    desk = desk_of(request)
    now = desk.clock()
    async with desk.connection() as connection:
        everybody = await load_accounts(connection)
        invitations = await load_invitations(connection)
    return page(
        request,
        "staff/accounts.html",
        accounts=everybody,
        invitations=[one for one in invitations if one.is_open(now)],
        roles=STAFF,
        may_invite=visitor(request).account.role == "administrator",
    )


def _role(value: str) -> Role:
    for role in STAFF:
        if role == value:
            return role
    raise InvalidInput(Fault("role", f"must be one of {', '.join(STAFF)}"))


@signed_in("administrator", step_up=True)
async def invite_somebody(request: Request) -> Response:
    """Makes a link and shows it, once."""
    form = await read_form(request)
    desk, known = desk_of(request), visitor(request)
    role, note = _role(form.get("role", "")), form.get("note", "")
    async with desk.connection() as connection:
        token = await invite(connection, known.account, role, note, desk.clock())
    return _link_page(request, token, note)


def _link_page(request: Request, token: str, note: str) -> Response:
    link = f"{desk_of(request).settings.office_url}/invitation/{token}"
    return page(request, "staff/invited.html", status=201, link=link, note=note)


@signed_in("administrator", step_up=True)
async def revoke_invitation(request: Request) -> Response:
    """Takes a link back."""
    desk, wanted = desk_of(request), await _invitation(request)
    async with desk.connection() as connection:
        await revoke(connection, visitor(request).account, wanted, desk.clock())
    return RedirectResponse("/accounts", 303)


@signed_in(*APPROVERS, step_up=True)
async def approve(request: Request) -> Response:
    """The second person's word about an invitation."""
    desk, wanted = desk_of(request), await _invitation(request)
    async with desk.connection() as connection:
        await approve_invitation(connection, visitor(request).account, wanted, desk.clock())
    return RedirectResponse("/accounts", 303)


async def _invitation(request: Request) -> bytes:
    wanted = (await read_form(request)).get("invitation", "")
    if not _HASH.fullmatch(wanted):
        raise NotFound("there is no such invitation")
    return bytes.fromhex(wanted)


@signed_in("administrator")
async def one_account(request: Request) -> Response:
    """One member of the staff and where they are signed in."""
    desk = desk_of(request)
    async with desk.connection() as connection:
        account = await load_account(connection, request.path_params["id"])
        sessions = await load_sessions(connection, account.id, desk.clock())
    return page(
        request,
        "staff/account.html",
        account=account,
        sessions=sessions,
        is_self=account.id == visitor(request).account.id,
    )


async def _somebody_else(request: Request) -> Account:
    desk = desk_of(request)
    async with desk.connection() as connection:
        account = await load_account(connection, request.path_params["id"])
    if account.id == visitor(request).account.id:
        raise Refused(
            "nobody does this to their own account; ask another administrator",
            zh="不能对自己的账号这样做，请联系另一位管理员。",
        )
    return account


@signed_in("administrator", step_up=True)
async def renew(request: Request) -> Response:
    """A link by which somebody who lost the second factor sets up a new one."""
    form = await read_form(request)
    desk, account = desk_of(request), await _somebody_else(request)
    note = form.get("note", "")
    async with desk.connection() as connection:
        token = await invite(
            connection,
            visitor(request).account,
            account.role,
            note,
            desk.clock(),
            renews=account,
        )
    return _link_page(request, token, note)


@signed_in("administrator", step_up=True)
async def disable(request: Request) -> Response:
    """Shuts an account for good and signs it out everywhere."""
    await read_form(request)
    desk, account = desk_of(request), await _somebody_else(request)
    async with desk.connection() as connection, connection.transaction():
        await disable_account(connection, account.name)
        await end_all_sessions(connection, account.id, desk.clock())
        await record(
            connection,
            visitor(request).account.name,
            "account_disabled",
            subject=account.name,
        )
    return RedirectResponse(f"/accounts/{account.id}", 303)


@signed_in("administrator", step_up=True)
async def end_session_of(request: Request) -> Response:
    """Ends one session of somebody."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        account = await load_account(connection, request.path_params["id"])
    await end_one(request, account, form.get("session", ""))
    return RedirectResponse(f"/accounts/{account.id}", 303)


ROUTES = [
    Route("/accounts", accounts),
    Route("/accounts/invite", invite_somebody, methods=["POST"]),
    Route("/accounts/revoke", revoke_invitation, methods=["POST"]),
    Route("/accounts/approve", approve, methods=["POST"]),
    Route("/accounts/{id:int}", one_account),
    Route("/accounts/{id:int}/renew", renew, methods=["POST"]),
    Route("/accounts/{id:int}/disable", disable, methods=["POST"]),
    Route("/accounts/{id:int}/end-session", end_session_of, methods=["POST"]),
]
