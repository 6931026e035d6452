"""Who is on the panel, and how somebody is appointed to it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.accounts.model import STAFF
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import NotFound
from voting_service.office.asked import selection_of
from voting_service.office.panel.store import invite_expert, load_panel
from voting_service.office.store import load_bodies

PREFIX = "/selections/{slug}/experts"


@signed_in(*STAFF)
async def experts(request: Request) -> Response:
    """Every expert with employer and body, and whom they do not judge."""
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        panel = await load_panel(connection, selection, desk.clock())
        bodies = await load_bodies(connection)
    return page(
        request,
        "panel/experts.html",
        selection=selection,
        panel=panel,
        bodies=bodies,
        body_names={body.id: body.name for body in bodies},
        may_invite=visitor(request).account.role == "administrator",
    )


@signed_in("administrator", step_up=True)
async def invite(request: Request) -> Response:
    """Makes a link by which somebody becomes an expert, and shows it, once."""
    form = await read_form(request)
    desk = desk_of(request)
    slug = form.get("body", "")
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        body = next((one for one in await load_bodies(connection) if one.slug == slug), None)
        if slug and body is None:
            raise NotFound("there is no such district or department", zh="没有这个推荐单位。")
        token = await invite_expert(
            connection,
            visitor(request).account,
            selection,
            employer=form.get("employer", ""),
            body=body,
            note=form.get("note", ""),
            now=desk.clock(),
        )
    link = f"{desk.settings.office_url}/invitation/{token}"
    return page(request, "panel/expert_invited.html", status=201, selection=selection, link=link)


ROUTES = [Route(PREFIX, experts), Route(PREFIX, invite, methods=["POST"])]
