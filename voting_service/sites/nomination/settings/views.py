"""The settings of a selection: one person proposes, another approves; contacts change at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import InvalidInput, NotFound, Refused, VotingError
from voting_service.i18n.text import Text, in_both, typed_english
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import READERS, REVIEWERS, Selection
from voting_service.nomination.repository import load_bodies
from voting_service.nomination.settings.model import (
    LONGEST_EXTENSION,
    MAX_CONTACT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    MOST_PLACES,
    Change,
    Contacts,
    NewDeadline,
    NewQuotas,
    NewTitles,
)
from voting_service.nomination.settings.service import (
    approve_change,
    change_contacts,
    load_changes,
    load_waiting_shortlist,
    propose_change,
    reject_change,
)
from voting_service.sites.nomination.approval_routes import approval_routes
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.recommendations.context import fault_sentence
from voting_service.sites.nomination.settings.descriptions import describe_change
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.form_times import local_moment
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state

SETTINGS = "/selections/{slug}/settings"
_MAX_DIGITS = 4
_SECTIONS = ("deadline", "quotas", "titles")
"""Those with a form on the page of the settings; the others have pages of their own."""
Fields = Mapping[str, str]


@signed_in(*READERS)
async def show_settings(request: Request) -> Response:
    """Show every setting, waiting and decided changes, and a form for each section."""
    async with get_state(request).connection() as connection:
        return await _settings_page(request, await selection_actor(request, connection))


async def _settings_page(
    request: Request,
    actor: SelectionActor,
    section: str = "",
    filled: Fields | None = None,
    error: VotingError | None = None,
) -> Response:
    """Show the page; `error` is about the form of `section`, as it was filled in."""
    reader, selection = language(request), actor.selection
    changes = await load_changes(actor)
    bodies = await load_bodies(actor.connection)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    return page(
        request,
        "selection_settings/settings.html",
        status=200 if error is None else 422 if faults else 409,
        selection=selection,
        waiting=[change for change in changes if change.state == "waiting"],
        decided=[change for change in changes if change.state != "waiting"],
        shortlist_waits=await load_waiting_shortlist(actor),
        describe=lambda change: describe_change(selection, change, reader, bodies),
        bodies_with_contact=sum(body.slug in selection.rules.body_contacts for body in bodies),
        bodies=len(bodies),
        me=actor.account.id,
        may_decide=actor.account.role in REVIEWERS,
        values=_shown(selection) | ({} if filled is None else dict(filled)),
        section=section,
        faults={fault.field: fault_sentence(fault, reader) for fault in faults},
        error=error.text(reader) if error and not faults else "",
        title_limit=MAX_TITLE_CHARACTERS,
        contact_limit=MAX_CONTACT_CHARACTERS,
        most_places=MOST_PLACES,
        most_days=LONGEST_EXTENSION.days,
    )


def _shown(selection: Selection) -> dict[str, Any]:
    """Return what the forms show first: the settings as they are."""
    rules = selection.rules
    texts = {
        "title": rules.title,
        "award": rules.award,
        "contact": rules.contact or Text("", ""),
        "office_address": rules.office_address or Text("", ""),
    }
    return {
        "closes_at": f"{selection.closes_at.astimezone(selection.zone):%Y-%m-%dT%H:%M}",
        "district_quota": selection.district_quota,
        "department_quota": selection.department_quota,
        **{f"{name}_zh": text.zh for name, text in texts.items()},
        **{f"{name}_en": typed_english(text.zh, text.en) for name, text in texts.items()},
        "contact_person": rules.contact_person,
        "telephone": rules.telephone,
    }


@signed_in(*REVIEWERS)
async def propose(request: Request) -> Response:
    """Propose a change of one section. An error is shown with the form as it was filled in."""
    fields, section = await read_form(request), request.path_params["section"]
    if section not in _SECTIONS:
        raise NotFound("nomination.settings.no_such_section")
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        try:
            change = _parse_change(section, fields, actor.selection)
            await propose_change(actor, change, fields.get("reason", ""))
        except (InvalidInput, Refused) as error:
            return await _settings_page(request, actor, section, fields, error)
    return redirect_done(request, SETTINGS, "proposed")


def _parse_change(section: str, fields: Fields, selection: Selection) -> Change:
    """Return what was posted. Raises InvalidInput for what is no moment."""
    if section == "deadline":
        return NewDeadline(local_moment(fields.get("closes_at", ""), "closes_at", selection.zone))
    if section == "quotas":
        return NewQuotas(_number(fields, "district_quota"), _number(fields, "department_quota"))
    return NewTitles(_text(fields, "title"), _text(fields, "award"))


def _number(fields: Fields, name: str) -> int | None:
    text = fields.get(name, "").strip()
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
    return int(text) if is_number else None


def _text(fields: Fields, name: str) -> Text:
    return in_both(fields.get(f"{name}_zh", ""), fields.get(f"{name}_en", ""))


@signed_in(*REVIEWERS)
async def post_contacts(request: Request) -> Response:
    """Change whom to ask. An error is shown with the form as it was filled in."""
    fields = await read_form(request)
    contacts = Contacts(
        contact=_text(fields, "contact"),
        contact_person=fields.get("contact_person", "").strip(),
        telephone=fields.get("telephone", "").strip(),
        office_address=_text(fields, "office_address"),
    )
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        try:
            await change_contacts(actor, contacts)
        except InvalidInput as error:
            return await _settings_page(request, actor, "contacts", fields, error)
    return redirect_done(request, SETTINGS, "contacts")


ROUTES = [
    Route(SETTINGS, show_settings),
    Route(f"{SETTINGS}/contacts", post_contacts, methods=["POST"]),
    Route(f"{SETTINGS}/change/{{section}}", propose, methods=["POST"]),
    *approval_routes(SETTINGS, approve_change, reject_change),
]
