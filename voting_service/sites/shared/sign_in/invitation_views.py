"""Pages of an invitation: choose name, password and second factor."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import InvalidInput
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.messages import messages
from voting_service.sites.shared.signed_in.rate_limits import count_try
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.invitations import (
    Invitation,
    accept,
    decrypt_secret,
    find_invitation,
    new_encrypted_secret,
)
from voting_service.staff.accounts.second_factor import provisioning_uri
from voting_service.staff.accounts.sign_in import TooManyTries


def _master_key(request: Request) -> bytes:
    return get_state(request).settings.master_key.get_secret_value()


async def _find(request: Request) -> Invitation:
    """Count an attempt and return the invitation of the link. Raises TooManyTries or NotFound."""
    state = get_state(request)
    await count_try("invitation", request)
    async with state.connection() as connection:
        return await find_invitation(connection, request.path_params["token"], state.clock())


async def invitation_page(request: Request) -> Response:
    """Show the form, with a new second factor."""
    try:
        invitation = await _find(request)
    except TooManyTries as refusal:
        return _too_many(request, refusal)
    if invitation.waits:
        notice = messages(request, "invitation")["waits"]
        return page(request, "sign_in/wait.html", status=409, notice=notice, waits=True)
    secret, sealed = new_encrypted_secret(_master_key(request), invitation)
    return _form(request, invitation, secret, sealed)


def _too_many(request: Request, refusal: TooManyTries) -> Response:
    seconds = refusal.retry_after_seconds
    wait = messages(request, "sign_in")["wait"].format(seconds=seconds)
    answer = page(request, "sign_in/wait.html", status=429, notice=wait)
    answer.headers["retry-after"] = str(seconds)
    return answer


def _form(
    request: Request,
    invitation: Invitation,
    secret: str,
    sealed: str,
    *,
    name: str = "",
    faults: tuple[str, ...] = (),
) -> Response:
    # An app shows this label; until the invitee has chosen a name it says what it is for.
    label = invitation.account_name or messages(request, "invitation")["label"]
    return page(
        request,
        "sign_in/invitation.html",
        status=422 if faults else 200,
        invitation=invitation,
        token=request.path_params["token"],
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        sealed=sealed,
        picture=_qr_code(provisioning_uri(label, secret)),
        name=name,
        faults=faults,
    )


def _qr_code(text: str) -> Markup:
    """Return the QR code as inline SVG without styles, which the content security policy would
    block."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgclass="qr", lineclass=None, omitsize=True, border=2
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 — paths and numbers only


async def accept_invitation(request: Request) -> Response:
    """Create or reset the account and redirect to the sign-in."""
    try:
        invitation = await _find(request)
    except TooManyTries as refusal:
        return _too_many(request, refusal)
    form = await read_form(request)
    state, key, sealed = get_state(request), _master_key(request), form.get("sealed", "")
    secret, texts = decrypt_secret(key, invitation, sealed), messages(request, "invitation")
    password = form.get("password", "")
    name = form.get("name", "")
    if password != form.get("again", ""):
        return _form(
            request, invitation, secret, sealed, name=name, faults=(texts["not_the_same"],)
        )
    async with state.connection() as connection:
        try:
            await accept(
                connection,
                key,
                invitation,
                name=name,
                password=password,
                totp_secret=secret,
                code=form.get("code", ""),
                clock=state.clock,
            )
        except InvalidInput as error:
            faults = tuple(texts.get(f"fault_{fault.field}", str(fault)) for fault in error.faults)
            return _form(request, invitation, secret, sealed, name=name, faults=faults)
    return RedirectResponse("/sign-in?welcome=1", 303)


ROUTES = [
    Route("/invitation/{token}", invitation_page),
    Route("/invitation/{token}", accept_invitation, methods=["POST"]),
]
