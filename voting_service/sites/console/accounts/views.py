"""Accounts: invite, reset, disable, end sessions, approve invitations."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.invitations import (
    APPROVERS,
    INVITATION_HOURS,
    approve_invitation,
    invite,
    invite_to_reset,
    load_invitations,
    load_units,
    revoke,
)
from voting_service.staff.accounts.model import (
    STAFF,
    Account,
    Role,
)
from voting_service.staff.accounts.repository import (
    load_account,
    load_accounts,
)
from voting_service.staff.accounts.service import disable, end_account_session
from voting_service.staff.accounts.sessions import load_sessions
from voting_service.staff.messages.senders import open_channels

_HASH = re.compile(r"[0-9a-f]{64}")


@signed_in(*APPROVERS)
async def accounts(request: Request) -> Response:
    """Show all accounts and the open invitations."""
    state = get_state(request)
    now = state.clock()
    async with state.connection() as connection:
        everybody = await load_accounts(connection)
        invitations = await load_invitations(connection)
        units = await load_units(connection)
    return page(
        request,
        "accounts/accounts.html",
        accounts=everybody,
        units=units,
        invitations=[invitation for invitation in invitations if invitation.is_open(now)],
        roles=STAFF,
        may_invite=current_user(request).account.role == "administrator",
    )


def _role(value: str) -> Role:
    for role in STAFF:
        if role == value:
            return role
    raise InvalidInput(Fault("role", "sites.console.accounts.unknown_role", staff=", ".join(STAFF)))


@signed_in("administrator", step_up=True)
async def invite_somebody(request: Request) -> Response:
    """Create a link and show it, once."""
    form = await read_form(request)
    state, user = get_state(request), current_user(request)
    role, note = _role(form.get("role", "")), form.get("note", "")
    async with state.connection() as connection:
        token = await invite(connection, user.account, role, note, state.clock())
    return _link_page(request, token, note)


def _link_page(request: Request, token: str, note: str) -> Response:
    link = f"{get_state(request).settings.staff_url}/invitation/{token}"
    return page(
        request,
        "sign_in/invited.html",
        status=201,
        link=link,
        note=note,
        hours=INVITATION_HOURS,
        channels=open_channels(get_state(request).settings),
    )


@signed_in("administrator", step_up=True)
async def revoke_invitation(request: Request) -> Response:
    """Withdraw a link."""
    state, invitation = get_state(request), await _invitation(request)
    async with state.connection() as connection:
        await revoke(connection, current_user(request).account, invitation, state.clock())
    return RedirectResponse("/accounts", 303)


@signed_in(*APPROVERS, step_up=True)
async def approve(request: Request) -> Response:
    """Approve an invitation."""
    state, invitation = get_state(request), await _invitation(request)
    async with state.connection() as connection:
        await approve_invitation(
            connection, current_user(request).account, invitation, state.clock()
        )
    return RedirectResponse("/accounts", 303)


async def _invitation(request: Request) -> bytes:
    invitation = (await read_form(request)).get("invitation", "")
    if not _HASH.fullmatch(invitation):
        raise NotFound("sites.console.accounts.no_such_invitation")
    return bytes.fromhex(invitation)


@signed_in("administrator")
async def one_account(request: Request) -> Response:
    """Show an account and its sessions."""
    state = get_state(request)
    async with state.connection() as connection:
        account = await load_account(connection, request.path_params["id"])
        sessions = await load_sessions(connection, account.id, state.clock())
    return page(
        request,
        "accounts/account.html",
        hours=INVITATION_HOURS,
        account=account,
        sessions=sessions,
        is_self=account.id == current_user(request).account.id,
    )


async def _somebody_else(request: Request) -> Account:
    state = get_state(request)
    async with state.connection() as connection:
        account = await load_account(connection, request.path_params["id"])
    if account.id == current_user(request).account.id:
        raise Refused("sites.console.accounts.own_account")
    return account


@signed_in("administrator", step_up=True)
async def renew(request: Request) -> Response:
    """Create a link by which somebody resets their sign-in."""
    form = await read_form(request)
    state, account = get_state(request), await _somebody_else(request)
    note = form.get("note", "")
    async with state.connection() as connection:
        inviter = current_user(request).account
        token = await invite_to_reset(connection, inviter, account, note, state.clock())
    return _link_page(request, token, note)


@signed_in("administrator", step_up=True)
async def disable_somebody(request: Request) -> Response:
    """Disable an account and end its sessions."""
    await read_form(request)
    state, account = get_state(request), await _somebody_else(request)
    async with state.connection() as connection:
        await disable(connection, current_user(request).account, account, state.clock())
    return RedirectResponse(f"/accounts/{account.id}", 303)


@signed_in("administrator", step_up=True)
async def end_session(request: Request) -> Response:
    """End a session of an account."""
    form = await read_form(request)
    state = get_state(request)
    async with state.connection() as connection:
        account = await load_account(connection, request.path_params["id"])
        await end_account_session(
            connection,
            current_user(request).account,
            account,
            form.get("session", ""),
            state.clock(),
        )
    return RedirectResponse(f"/accounts/{account.id}", 303)


ROUTES = [
    Route("/accounts", accounts),
    Route("/accounts/invite", invite_somebody, methods=["POST"]),
    Route("/accounts/revoke", revoke_invitation, methods=["POST"]),
    Route("/accounts/approve", approve, methods=["POST"]),
    Route("/accounts/{id:int}", one_account),
    Route("/accounts/{id:int}/renew", renew, methods=["POST"]),
    Route("/accounts/{id:int}/disable", disable_somebody, methods=["POST"]),
    Route("/accounts/{id:int}/end-session", end_session, methods=["POST"]),
]
