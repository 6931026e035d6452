"""Districts and departments, and the officers who recommend for them."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.model import STAFF
from voting_service.contests.model import Text
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.journal.record import record
from voting_service.office.model import Body, BodyKind
from voting_service.office.store import (
    insert_body,
    invite_officer,
    load_bodies,
    load_officers,
    load_selections,
    places_taken,
)

MAX_NAME_CHARACTERS = 60
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")


@signed_in(*STAFF)
async def bodies(request: Request) -> Response:
    """Every body with its officers and how many places of the newest selection are taken."""
    async with desk_of(request).connection() as connection:
        found = await load_bodies(connection)
        officers = await load_officers(connection)
        newest = next(iter(await load_selections(connection)), None)
        taken = await places_taken(connection, newest) if newest else {}
    return page(
        request,
        "office/bodies.html",
        bodies=found,
        officers=officers,
        selection=newest,
        taken=taken,
        may_invite=visitor(request).account.role == "administrator",
    )


@signed_in("administrator")
async def add_body(request: Request) -> Response:
    """Enters a district or department."""
    form = await read_form(request)
    slug, name, kind = _body_of(form)
    async with desk_of(request).connection() as connection, connection.transaction():
        await insert_body(connection, slug, kind, name)
        await record(
            connection, visitor(request).account.name, "body_added", subject=slug,
            details={"kind": kind, "zh": name.zh},
        )  # fmt: skip
    return RedirectResponse("/bodies", 303)


def _body_of(form: dict[str, str]) -> tuple[str, Text, BodyKind]:
    faults = []
    slug, zh, en = (form.get(field, "").strip() for field in ("slug", "zh", "en"))
    if not _SLUG.fullmatch(slug):
        faults.append(
            Fault(
                "slug",
                "must be 1 to 64 small letters, digits and hyphens",
                "须为 1 至 64 个小写字母、数字或连字符。",
            )
        )
    for field, value in (("zh", zh), ("en", en)):
        if not 1 <= len(value) <= MAX_NAME_CHARACTERS or not value.isprintable():
            faults.append(
                Fault(
                    field,
                    f"must be 1 to {MAX_NAME_CHARACTERS} printable characters",
                    f"请填写名称，1 至 {MAX_NAME_CHARACTERS} 个字。",
                )
            )
    kind = form.get("kind")
    if kind not in ("district", "department"):
        faults.append(Fault("kind", "must be district or department", "请选择类别。"))
    if faults:
        raise InvalidInput(*faults)
    return slug, Text(zh, en), "district" if kind == "district" else "department"


@signed_in("administrator", step_up=True)
async def invite(request: Request) -> Response:
    """Makes a link by which somebody becomes an officer of the body, and shows it, once."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection:
        body = _find(await load_bodies(connection), request.path_params["body"])
        note = form.get("note", "")
        token = await invite_officer(connection, visitor(request).account, body, note, desk.clock())
    link = f"{desk.settings.office_url}/invitation/{token}"
    return page(request, "office/officer_invited.html", status=201, link=link, body=body)


def _find(bodies: tuple[Body, ...], slug: str) -> Body:
    for body in bodies:
        if body.slug == slug:
            return body
    raise NotFound("there is no such district or department", zh="没有这个推荐单位。")


ROUTES = [
    Route("/bodies", bodies),
    Route("/bodies", add_body, methods=["POST"]),
    Route("/bodies/{body}/invite", invite, methods=["POST"]),
]
