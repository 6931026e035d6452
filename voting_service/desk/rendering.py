"""From a template and values to a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Contest, Text
from voting_service.desk.access import Visitor, safe_next
from voting_service.desk.cookies import language as language_of_request
from voting_service.desk.face import Face, Way
from voting_service.desk.state import Desk, desk_of
from voting_service.web.languages import LANGUAGES, written_moment, written_number
from voting_service.web.security_headers import SECURITY_HEADERS


class Selected(Protocol):
    """What a page about a selection of the office is given to name and place it."""

    @property
    def slug(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def zone(self) -> tzinfo: ...


PAGE_HEADERS = {**SECURITY_HEADERS, "cache-control": "no-store", "vary": "Cookie, Accept-Language"}


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page for whoever asks; nobody may keep it.

    `template` is `<area>/<name>.html` of the face. In it: `t.<area>.<key>`, `visitor` (None
    when nobody is signed in), `csrf`, `language`, `number()`, `moment()`, `text_of()` (for a
    `Text`), `static_url()`, `nav`, and `values`; with `contest=` or `selection=` its own navigation
    and its time zone.
    """
    desk = desk_of(request)
    language = language_of_request(request)
    contest: Contest | None = values.get("contest")
    selection: Selected | None = values.get("selection")
    zone = selection.zone if selection is not None else zone_of(desk, contest)
    known: Visitor | None = getattr(request.state, "visitor", None)
    query = f"?{request.url.query}" if request.url.query else ""
    here = safe_next(request.url.path + query) if request.method == "GET" else "/"
    body = desk.face.environment.get_template(template).render(
        {
            "t": desk.face.texts(language),
            "visitor": known,
            "csrf": known.csrf if known else "",
            "language": language,
            "languages": LANGUAGES,
            "number": partial(written_number, language=language),
            "moment": partial(written_moment, zone=zone, language=language),
            "text_of": lambda text: getattr(text, language),
            "static_url": desk.face.static_url,
            "path": request.url.path,
            "here": quote(here, safe="/"),
            "nav": _navigation(desk.face, known, contest, selection, request.url.path),
            "contest": None,
            "selection": None,
            **values,
        }
    )
    return Response(body, status, PAGE_HEADERS, media_type="text/html")


def zone_of(desk: Desk, contest: Contest | None = None) -> tzinfo:
    """The zone in which moments are shown: the contest's, else that of the newest one."""
    if contest is not None:
        return contest.zone
    contests = desk.registry.contests.values()
    return max(contests, key=lambda c: c.opens_at).zone if contests else UTC


def title_of(contest: Contest, request: Request) -> str:
    """The contest's title in the reader's language."""
    title: Text = contest.rules.title
    return str(getattr(title, language_of_request(request)))


def _navigation(
    face: Face,
    known: Visitor | None,
    contest: Contest | None,
    selection: Selected | None,
    path: str,
) -> Mapping[str, list[dict[str, Any]]]:
    """`site`, `contest` and `selection`: the ways that are open to the visitor, each with `path`,
    where its text is (`area`, `section`, `key`) and `is_here`."""
    ways: dict[str, list[dict[str, Any]]] = {"site": [], "contest": [], "selection": []}
    parts = {"contest": contest, "selection": selection}
    if known is None:
        return ways
    for way in face.ways:
        if way.roles and known.account.role not in way.roles:
            continue
        if "{slug}" not in way.path:
            ways["site"].append(_way(way, way.path, path))
            continue
        for name, part in parts.items():
            if part is not None and way.path.startswith(f"/{name}s/"):
                ways[name].append(_way(way, way.path.replace("{slug}", part.slug), path))
    return ways


def _way(way: Way, target: str, path: str) -> dict[str, Any]:
    area, section, key = way.text.split(".")
    return {
        "path": target, "area": area, "section": section, "key": key, "is_here": target == path,
    }  # fmt: skip


def moment_text(request: Request, value: datetime, contest: Contest | None = None) -> str:
    """A moment as the reader writes it, for texts that are put together outside templates."""
    zone = zone_of(desk_of(request), contest)
    return written_moment(value, zone, language_of_request(request))
