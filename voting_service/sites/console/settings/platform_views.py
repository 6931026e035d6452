"""Pages that ask how a platform is switched or changed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.model import Platform
from voting_service.contests.pictures.repository import load_file
from voting_service.contests.settings import platform_changes
from voting_service.contests.settings.platform_changes import contests_that_need_two
from voting_service.contests.settings.platform_terms import read_terms
from voting_service.errors import InvalidInput, NotFound, VotingError
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.settings.views import (
    PREFIX,
    READERS,
    form_faults,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import StaffState, get_state
from voting_service.sites.shared.signed_in.uploads import PICTURE_TYPES
from voting_service.staff.approvals.model import DECIDERS


@signed_in(*DECIDERS, step_up=True)
async def switch_page(request: Request) -> Response:
    """Ask why a platform is switched."""
    return await switch_form(request, {})


@signed_in(*DECIDERS, step_up=True)
async def change_page(request: Request) -> Response:
    """Ask what is changed about a platform, and why."""
    return await change_form(request, {})


async def switch_form(
    request: Request, filled: dict[str, str], error: VotingError | None = None
) -> Response:
    """Return the form as it was filled in, with what was wrong. Raises NotFound."""
    return await _form(request, "settings/platform.html", filled, error)


async def change_form(
    request: Request, filled: dict[str, str], error: VotingError | None = None
) -> Response:
    """The same of the form that changes a platform."""
    return await _form(request, "settings/platform_change.html", filled, error)


async def _form(
    request: Request, template: str, filled: dict[str, str], error: VotingError | None
) -> Response:
    state = get_state(request)
    platform = await load_platform(request, state)
    async with state.connection() as connection:
        running = await contests_that_need_two(connection, state.clock())
    return page(
        request,
        template,
        status=200 if error is None else 422 if isinstance(error, InvalidInput) else 409,
        contest=contest_from_path(request),
        platform=platform,
        keys=read_terms(platform).keys if platform.config.get("keys") else (),
        two=bool(running),
        filled=filled,
        faults=form_faults(error, language(request)),
        picture_types=PICTURE_TYPES,
    )


@signed_in(*READERS)
async def logo_file(request: Request) -> Response:
    """Return the picture of a platform's logo, also of a proposed one. Raises NotFound."""
    name, _, width = request.path_params["name"].removesuffix(".png").partition("-")
    content = None
    if width.isascii() and width.isdigit() and len(width) < 5:
        async with get_state(request).connection() as connection:
            content = await load_file(connection, name, int(width), "png")
    if content is None:
        raise NotFound("sites.console.settings.no_such_platform")
    headers = {"cache-control": "private, max-age=3600", "x-content-type-options": "nosniff"}
    return Response(content, 200, headers, media_type="image/png")


async def load_platform(request: Request, state: StaffState) -> Platform:
    """Return the platform named in the address. Raises NotFound."""
    async with state.connection() as connection:
        slug = request.path_params["platform"]
        platform = await platform_changes.find_platform(connection, slug)
    if platform is None:
        raise NotFound("sites.console.settings.no_such_platform")
    return platform


ROUTES = [
    Route("/pictures/{name}", logo_file),
    Route(f"{PREFIX}/platforms/{{platform}}", switch_page),
    Route(f"{PREFIX}/platforms/{{platform}}/change", change_page),
]
