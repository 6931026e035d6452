"""Where an invitation's link leads: name, password, second factor, and in."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.invitations import (
    Invitation,
    accept,
    find_invitation,
    open_secret,
    sealed_secret,
)
from voting_service.accounts.second_factor import provisioning_uri
from voting_service.accounts.sign_in import TooManyTries
from voting_service.desk.forms import read_form
from voting_service.desk.limits import count_try
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import InvalidInput
from voting_service.staff.said import said


def _master_key(request: Request) -> bytes:
    return desk_of(request).settings.master_key.get_secret_value()


async def _find(request: Request) -> Invitation:
    """Counts the try first: tokens cannot be guessed, and nobody should try."""
    desk = desk_of(request)
    await count_try("invitation", request)
    async with desk.connection() as connection:
        return await find_invitation(connection, request.path_params["token"], desk.clock())


async def invitation_page(request: Request) -> Response:
    """The form, with a second factor that was drawn for this view."""
    try:
        invitation = await _find(request)
    except TooManyTries as refusal:
        return _too_many(request, refusal)
    if invitation.waits:
        notice = said(request, "invitation")["waits"]
        return page(request, "staff/wait.html", status=409, notice=notice, waits=True)
    secret, sealed = sealed_secret(_master_key(request), invitation)
    return _form(request, invitation, secret, sealed)


def _too_many(request: Request, refusal: TooManyTries) -> Response:
    seconds = refusal.retry_after_seconds
    wait = said(request, "sign_in")["wait"].format(seconds=seconds)
    answer = page(request, "staff/wait.html", status=429, notice=wait)
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
    label = invitation.account_name or said(request, "invitation")["label"]
    return page(
        request,
        "staff/invitation.html",
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
    """The code as an inline picture without styles, which the policy would refuse."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgclass="qr", lineclass=None, omitsize=True, border=2
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 — paths and numbers only


async def accept_invitation(request: Request) -> Response:
    """Makes or renews the account; whoever did signs in with it next."""
    try:
        invitation = await _find(request)
    except TooManyTries as refusal:
        return _too_many(request, refusal)
    form = await read_form(request)
    desk, key, sealed = desk_of(request), _master_key(request), form.get("sealed", "")
    secret, texts = open_secret(key, invitation, sealed), said(request, "invitation")
    password = form.get("password", "")
    name = form.get("name", "")
    if password != form.get("again", ""):
        return _form(
            request, invitation, secret, sealed, name=name, faults=(texts["not_the_same"],)
        )
    async with desk.connection() as connection:
        try:
            await accept(
                connection,
                key,
                invitation,
                name=name,
                password=password,
                totp_secret=secret,
                code=form.get("code", ""),
                clock=desk.clock,
            )
        except InvalidInput as error:
            faults = tuple(texts.get(f"fault_{fault.field}", str(fault)) for fault in error.faults)
            return _form(request, invitation, secret, sealed, name=name, faults=faults)
    return RedirectResponse("/sign-in?welcome=1", 303)


ROUTES = [
    Route("/invitation/{token}", invitation_page),
    Route("/invitation/{token}", accept_invitation, methods=["POST"]),
]
