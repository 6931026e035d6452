"""Pages of an invitation: choose name, password and second factor."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import InvalidInput
from voting_service.sites.shared.qr_code import QrCode
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.messages import messages
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.constraints import NAME_TAKEN
from voting_service.staff.accounts.invitations import (
    Invitation,
    InvitationForm,
    OfferedSecret,
    accept,
    decrypt_secret,
    find_invitation,
    new_encrypted_secret,
    suggest_name,
)
from voting_service.staff.accounts.second_factor import provisioning_uri


def _master_key(request: Request) -> bytes:
    return get_state(request).settings.master_key.get_secret_value()


_limited = limiter.shared_limit(rate("invitation"), scope="invitation")
"""Counts the page and its form together."""


async def _find(request: Request) -> Invitation:
    """Return the invitation of the link. Raises NotFound."""
    state = get_state(request)
    async with state.connection() as connection:
        return await find_invitation(connection, request.path_params["token"], state.clock())


@_limited
async def invitation_page(request: Request) -> Response:
    """Show the form, with a new second factor."""
    invitation = await _find(request)
    if invitation.waits:
        notice = messages(request, "invitation")["waits"]
        return page(request, "sign_in/wait.html", status=409, notice=notice)
    return _form(request, invitation, new_encrypted_secret(_master_key(request), invitation))


def _form(
    request: Request,
    invitation: Invitation,
    offered: OfferedSecret,
    *,
    name: str = "",
    faults: tuple[str, ...] = (),
) -> Response:
    # An app shows this label; until the invitee has chosen a name it names the purpose.
    secret = offered.secret
    label = invitation.account_name or messages(request, "invitation")["label"]
    return page(
        request,
        "sign_in/invitation.html",
        status=422 if faults else 200,
        invitation=invitation,
        token=request.path_params["token"],
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        encrypted_secret=offered.encrypted,
        picture=QrCode.of(provisioning_uri(label, secret)).svg(),
        name=name,
        faults=faults,
    )


@_limited
async def accept_invitation(request: Request) -> Response:
    """Create or reset the account and redirect to the sign-in."""
    invitation = await _find(request)
    form = await read_form(request)
    state, key, encrypted = (
        get_state(request),
        _master_key(request),
        form.get("encrypted_secret", ""),
    )
    offered = OfferedSecret(decrypt_secret(key, invitation, encrypted), encrypted)
    texts = messages(request, "invitation")
    password = form.get("password", "")
    name = form.get("name", "")
    if password != form.get("again", ""):
        return _form(request, invitation, offered, name=name, faults=(texts["not_the_same"],))
    async with state.connection() as connection:
        try:
            await accept(
                connection,
                key,
                invitation,
                InvitationForm(name, password, offered.secret, form.get("code", "")),
                clock=state.clock,
            )
        except InvalidInput as error:
            faults = tuple(texts.get(f"fault_{fault.field}", str(fault)) for fault in error.faults)
            if any(fault.code == NAME_TAKEN for fault in error.faults):
                suggested = await suggest_name(connection, invitation, name)
                faults = (texts["namesake"].format(name=name.strip(), suggested=suggested),)
                name = suggested
            return _form(request, invitation, offered, name=name, faults=faults)
    return RedirectResponse("/sign-in?welcome=1", 303)


ROUTES = [
    Route("/invitation/{token}", invitation_page),
    Route("/invitation/{token}", accept_invitation, methods=["POST"]),
]
