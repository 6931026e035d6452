"""The reader's look: elder mode (larger text and controls), and dark or light.

Kept in the cookie `view`, such as `elder.dark`, which view.js reads and writes. Without scripts a
link to `/view` changes it, and `/view.css` sets the switches of look.css. So a page is the same
bytes for everybody and every cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route

COOKIE = "view"
_SECONDS = 400 * 86_400
SIZES, THEMES = ("usual", "elder"), ("dark", "light")
_SWITCHES: Mapping[str, str] = {
    "elder": "--usual: ; --elder: initial",
    "dark": "--light: ; --dark: initial",
    "light": "--light: initial; --dark: ",
}


def chosen_view(request: Request) -> list[str]:
    """Return what the reader chose, size before theme."""
    kept = request.cookies.get(COOKIE, "").split(".")
    return [name for name in _SWITCHES if name in kept]


def _choose_view(request: Request, is_https: bool) -> Response:
    """Keep `size` or `theme` of the query, and redirect (303) to the page with the link."""
    chosen = set(chosen_view(request))
    for name, options in (("size", SIZES), ("theme", THEMES)):
        option = request.query_params.get(name)
        if option in options:
            chosen = chosen - set(options) | {option}
    response = RedirectResponse(_way_back(request), 303, {"cache-control": "no-store"})
    response.set_cookie(
        COOKIE,
        ".".join(option for option in _SWITCHES if option in chosen),
        max_age=_SECONDS,
        secure=is_https,
        samesite="lax",
    )
    return response


async def view_sheet(request: Request) -> Response:
    """Return the switches of the reader's choice as a style sheet, for browsers without scripts."""
    rules = [f"html:root:root {{ {_SWITCHES[name]}; }}" for name in chosen_view(request)]
    headers = {"cache-control": "private, no-cache", "vary": "Cookie"}
    return Response("\n".join(rules), 200, headers, media_type="text/css")


def _way_back(request: Request) -> str:
    """Return the path of our page that the link stood on; "/" where no page of ours is named."""
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    if page.netloc != request.headers.get("host") or page.path.startswith("//"):
        return "/"
    if _can_be_read(request, page.path):
        return f"{page.path}?{page.query}" if page.query else page.path
    # A page that answered a form, as with its faults, may have an address that only forms have.
    path = page.path
    while path and not _can_be_read(request, path):
        path = path.rpartition("/")[0]
    return path or "/"


def _can_be_read(request: Request, path: str) -> bool:
    """Return whether the app has a page at a path, rather than what a form is sent to."""
    scope = {"type": "http", "method": "GET", "path": path, "root_path": ""}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


def routes(is_https: Callable[[Request], bool]) -> list[Route]:
    """Return the routes for a site; over https its cookie is Secure."""

    async def choose_view(request: Request) -> Response:
        return _choose_view(request, is_https(request))

    return [Route("/view", choose_view), Route("/view.css", view_sheet)]
