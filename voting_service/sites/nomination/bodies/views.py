"""Districts and departments, and the officers who recommend for them."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.i18n.text import Text
from voting_service.nomination.model import BodyKind, RecommendingBody
from voting_service.nomination.repository import (
    count_places_taken,
    load_bodies,
    load_officers,
    load_selections,
)
from voting_service.nomination.service import add_body, invite_officer
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.invitations import INVITATION_HOURS
from voting_service.staff.accounts.model import STAFF
from voting_service.staff.messages.senders import open_channels

MAX_NAME_CHARACTERS = 60
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")


@signed_in(*STAFF)
async def list_bodies(request: Request) -> Response:
    """Show every body with its officers and the places taken in the newest selection."""
    async with get_state(request).connection() as connection:
        bodies = await load_bodies(connection)
        officers = await load_officers(connection)
        newest = next(iter(await load_selections(connection)), None)
        taken = await count_places_taken(connection, newest) if newest else {}
    return page(
        request,
        "bodies/bodies.html",
        bodies=bodies,
        officers=officers,
        selection=newest,
        taken=taken,
        may_invite=current_user(request).account.role == "administrator",
    )


@signed_in("administrator")
async def add(request: Request) -> Response:
    """Add a district or department."""
    slug, name, kind = _parse_body(await read_form(request))
    async with get_state(request).connection() as connection:
        await add_body(current_actor(request, connection), slug, kind, name)
    return RedirectResponse("/bodies", 303)


def _parse_body(form: dict[str, str]) -> tuple[str, Text, BodyKind]:
    faults = []
    slug, zh, en = (form.get(field, "").strip() for field in ("slug", "zh", "en"))
    if not _SLUG.fullmatch(slug):
        faults.append(Fault("slug", "sites.nomination.bodies.short_name_format"))
    for field, value in (("zh", zh), ("en", en)):
        if not 1 <= len(value) <= MAX_NAME_CHARACTERS or not value.isprintable():
            faults.append(
                Fault(field, "sites.nomination.bodies.name_length", limit=MAX_NAME_CHARACTERS)
            )
    kind = form.get("kind")
    if kind not in ("district", "department"):
        faults.append(Fault("kind", "sites.nomination.bodies.choose_kind"))
    if faults:
        raise InvalidInput(*faults)
    return slug, Text(zh, en), "district" if kind == "district" else "department"


@signed_in("administrator", step_up=True)
async def invite(request: Request) -> Response:
    """Create a link that makes its user an officer of the body; it is shown once."""
    form = await read_form(request)
    state = get_state(request)
    async with state.connection() as connection:
        body = _find_body(await load_bodies(connection), request.path_params["body"])
        token = await invite_officer(current_actor(request, connection), body, form.get("note", ""))
    link = f"{state.settings.staff_url}/invitation/{token}"
    return page(
        request,
        "bodies/officer_invited.html",
        status=201,
        link=link,
        body=body,
        hours=INVITATION_HOURS,
        channels=open_channels(state.settings),
    )


def _find_body(bodies: tuple[RecommendingBody, ...], slug: str) -> RecommendingBody:
    for body in bodies:
        if body.slug == slug:
            return body
    raise NotFound("sites.nomination.bodies.no_such_body")


ROUTES = [
    Route("/bodies", list_bodies),
    Route("/bodies", add, methods=["POST"]),
    Route("/bodies/{body}/invite", invite, methods=["POST"]),
]
