"""Whom to call at each recommending body: one person proposes it, another approves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import InvalidInput, Refused, VotingError
from voting_service.i18n.typed_numbers import plain_number
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import READERS, REVIEWERS, BodyContact, RecommendingBody
from voting_service.nomination.repository import load_bodies
from voting_service.nomination.settings.model import MAX_CONTACT_CHARACTERS, NewBodyContacts
from voting_service.nomination.settings.service import propose_change
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.recommendations.context import fault_sentence
from voting_service.sites.nomination.settings.views import SETTINGS
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state

CONTACTS = f"{SETTINGS}/body-contacts"


@signed_in(*READERS)
async def show_body_contacts(request: Request) -> Response:
    """Show whom to call at each body, as a form for those who may propose a change."""
    async with get_state(request).connection() as connection:
        return await _contacts_page(request, await selection_actor(request, connection))


async def _contacts_page(
    request: Request,
    actor: SelectionActor,
    filled: Mapping[str, str] | None = None,
    error: VotingError | None = None,
) -> Response:
    reader, selection = language(request), actor.selection
    bodies = await load_bodies(actor.connection)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    values = {
        name: value
        for body in bodies
        for contact in (selection.body_contact(body.slug),)
        for name, value in (
            (f"person-{body.slug}", contact.person),
            (f"telephone-{body.slug}", contact.telephone),
        )
    }
    return page(
        request,
        "selection_settings/body_contacts.html",
        status=200 if error is None else 422 if faults else 409,
        selection=selection,
        bodies=bodies,
        may_decide=actor.account.role in REVIEWERS,
        values=values | dict(filled or {}),
        faults={fault.field: fault_sentence(fault, reader) for fault in faults},
        error=error.text(reader) if error and not faults else "",
        contact_limit=MAX_CONTACT_CHARACTERS,
    )


@signed_in(*REVIEWERS)
async def propose_body_contacts(request: Request) -> Response:
    """Propose the contacts that differ from those stated. An error is shown with the form as it was
    filled in."""
    fields = await read_form(request)
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        change = _parse(fields, await load_bodies(connection))
        try:
            await propose_change(actor, change, fields.get("reason", ""))
        except (InvalidInput, Refused) as error:
            return await _contacts_page(request, actor, fields, error)
    return redirect_done(request, SETTINGS, "proposed")


def _parse(fields: Mapping[str, str], bodies: tuple[RecommendingBody, ...]) -> NewBodyContacts:
    """Return the contacts of the bodies that the form had: one added since stays as it is."""
    return NewBodyContacts(
        {
            body.slug: BodyContact(
                fields[f"person-{body.slug}"].strip(),
                plain_number(fields.get(f"telephone-{body.slug}", "")),
            )
            for body in bodies
            if f"person-{body.slug}" in fields
        }
    )


ROUTES: list[Any] = [
    Route(CONTACTS, show_body_contacts),
    Route(CONTACTS, propose_body_contacts, methods=["POST"]),
]
