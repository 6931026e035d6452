"""The public profile of a shortlisted person: edited, translated, and checked while typing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput
from voting_service.nomination.model import READERS, REVIEWERS
from voting_service.nomination.shortlist.pages import load_profile_page
from voting_service.nomination.shortlist.profiles import (
    LIMITS,
    MULTILINE_FIELDS,
    Profile,
    read_profile,
    text_limit,
)
from voting_service.nomination.shortlist.service import check_profile, edit_profile
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.shortlist.context import (
    SHORTLIST,
    decision_values,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

PROFILE = f"{SHORTLIST}/{{recommendation:int}}"
MAX_REVISION_DIGITS = 9


@signed_in(*READERS)
async def profile_page(request: Request) -> Response:
    """The texts in both languages, and what must still change."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        shown = await load_profile_page(actor, request.path_params["recommendation"])
    return page(
        request,
        "shortlist/profile.html",
        selection=actor.selection,
        person=shown.submitted,
        candidate=shown.number,
        profile=shown.profile,
        texts=shown.profile.texts(),
        fields=LIMITS,
        limit=text_limit,
        multiline_fields=MULTILINE_FIELDS,
        faults=_by_field(shown.faults, request),
        **decision_values(request),
    )


def _by_field(faults: Iterable[Fault], request: Request) -> Mapping[str, list[str]]:
    sentences: dict[str, list[str]] = {}
    for fault in faults:
        sentences.setdefault(fault.field, []).append(fault.text(language(request)))
    return sentences


def _read_profile(form: Mapping[str, str]) -> Profile:
    revision = form.get("revision", "")
    if not revision.isdecimal() or len(revision) > MAX_REVISION_DIGITS:
        raise InvalidInput(Fault("revision", "sites.nomination.shortlist.reload_page"))
    return read_profile(form, int(revision))


@signed_in(*REVIEWERS)
async def save(request: Request) -> Response:
    """Save the texts, also with faults: these only keep them from the contest."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        await edit_profile(
            await selection_actor(request, connection),
            request.path_params["recommendation"],
            _read_profile(form),
        )
    return RedirectResponse(f"{request.url.path}?done=saved", 303)


@signed_in(*REVIEWERS)
async def check(request: Request) -> Response:
    """Return the faults of the typed texts as JSON; nothing is saved."""
    form = await read_form(request)
    async with get_state(request).connection() as connection:
        faults = await check_profile(
            await selection_actor(request, connection),
            request.path_params["recommendation"],
            _read_profile(form),
        )
    return JSONResponse(
        {"faults": _by_field(faults, request)}, headers={"cache-control": "no-store"}
    )


ROUTES = [
    Route(PROFILE, profile_page),
    Route(PROFILE, save, methods=["POST"]),
    Route(f"{PROFILE}/check", check, methods=["POST"]),
]
