"""What becomes public of one of the chosen: written, translated, and checked as one types."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.desk.access import signed_in, visitor
from voting_service.desk.cookies import language
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.journal.record import record
from voting_service.office.asked import selection_of
from voting_service.office.model import READERS, REVIEWERS, Selection
from voting_service.office.picks.pages import PICKS, deciding_values
from voting_service.office.picks.profiles import (
    LIMITS,
    SEVERAL_LINES,
    Profile,
    load_profiles,
    profile_faults,
    profile_of,
    save_profile,
)
from voting_service.office.picks.store import load_numbers
from voting_service.office.recommendations.model import subject_of
from voting_service.office.review.reading import Dossier, load_dossier, load_file
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection

PROFILE = f"{PICKS}/{{recommendation:int}}"
MAX_REVISION_DIGITS = 9


async def _asked(
    request: Request, connection: AnyConnection
) -> tuple[Selection, Dossier, int | None]:
    """Whose profile is asked for, and their number. Raises NotFound for who does not stand."""
    keys = PersonalKeys.of(desk_of(request).settings)
    selection = await selection_of(request, connection)
    numbers = await load_numbers(connection, selection)
    number = request.path_params["recommendation"]
    if number not in numbers:
        raise NotFound("this recommendation was not chosen", zh="该推荐不在入选人选之中。")
    return selection, await load_dossier(connection, keys, selection, number), numbers[number]


@signed_in(*READERS)
async def profile_page(request: Request) -> Response:
    """The texts in both languages beside what the form says, and what must still change."""
    desk = desk_of(request)
    keys = PersonalKeys.of(desk.settings)
    async with desk.connection() as connection:
        selection, dossier, number = await _asked(request, connection)
        profiles = await load_profiles(connection, keys, selection, {dossier.id: dossier})
        photo = await load_file(connection, keys, dossier.id, "photo")
        await record(
            connection, visitor(request).account.name, "viewed", contest=selection.slug,
            subject=subject_of(dossier.id), details={"what": "profile"},
        )  # fmt: skip
    profile = profiles[dossier.id]
    return page(
        request,
        "picks/profile.html",
        selection=selection,
        dossier=dossier,
        candidate=number,
        profile=profile,
        texts=profile.texts(),
        limits=LIMITS,
        several_lines=SEVERAL_LINES,
        faults=_by_field(profile_faults(profile, dossier, photo.content), request),
        **deciding_values(request),
    )


def _by_field(faults: tuple[Fault, ...], request: Request) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fault in faults:
        said = fault.zh if language(request) == "zh" and fault.zh else fault.message
        found.setdefault(fault.field, []).append(said)
    return found


def _profile(form: Mapping[str, str]) -> Profile:
    revision = form.get("revision", "")
    if not revision.isdecimal() or len(revision) > MAX_REVISION_DIGITS:
        raise InvalidInput(Fault("revision", "load the page anew", "请刷新页面。"))
    return profile_of(form, int(revision))


@signed_in(*REVIEWERS)
async def save(request: Request) -> Response:
    """Keeps the texts as they are; what is wrong with them keeps them from the vote."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection, dossier, _ = await _asked(request, connection)
        keys = PersonalKeys.of(desk.settings)
        photo = await load_file(connection, keys, dossier.id, "photo")
        profile = _profile(form)
        left = await asyncio.to_thread(profile_faults, profile, dossier, photo.content)
        await save_profile(
            connection, keys, selection, dossier.id,
            profile=msgspec.structs.replace(profile, faults_left=len(left)),
            account=visitor(request).account,
        )  # fmt: skip
    return RedirectResponse(f"{request.url.path}?done=saved", 303)


@signed_in(*REVIEWERS)
async def check(request: Request) -> Response:
    """The same texts looked through while somebody types; nothing is kept."""
    form = await read_form(request)
    async with desk_of(request).connection() as connection:
        _, dossier, _ = await _asked(request, connection)
    found = await asyncio.to_thread(profile_faults, _profile(form), dossier)
    faults = _by_field(found, request)
    return JSONResponse({"faults": faults}, headers={"cache-control": "no-store"})


ROUTES = [
    Route(PROFILE, profile_page),
    Route(PROFILE, save, methods=["POST"]),
    Route(f"{PROFILE}/check", check, methods=["POST"]),
]
