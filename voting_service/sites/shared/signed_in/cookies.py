"""The desk's cookies. Over https they carry the prefix `__Host-`: no neighbour can set them.

| cookie     | holds                | scripts | sent                         |
|------------|----------------------|---------|------------------------------|
| `staff`    | the session's token  | no      | from our own pages only      |
| `language` | `zh` or `en`         | no      | from our own pages only      |
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from voting_service.i18n.formatting import language_of
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.sessions import ABSOLUTE

_SESSION, _LANGUAGE = "staff", "language"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_LANGUAGE_SECONDS = 400 * 86_400


def session_token(request: Request) -> str:
    """Return the session's token, unchecked; "" without one."""
    token = request.cookies.get(cookie_name(request, _SESSION), "")
    return token if _TOKEN.fullmatch(token) else ""


def keep_session(request: Request, response: Response, token: str) -> None:
    seconds = int(ABSOLUTE.total_seconds())
    set_cookie(request, response, _SESSION, token, seconds)


def forget_session(request: Request, response: Response) -> None:
    set_cookie(request, response, _SESSION, "", 0)


def language(request: Request) -> Language:
    """Return the language chosen on this site, else the browser's, else Chinese."""
    kept = request.cookies.get(cookie_name(request, _LANGUAGE), "")
    for known in LANGUAGES:
        if known == kept:
            return known
    return language_of(request.headers.get("accept-language", "").encode())


def keep_language(request: Request, response: Response, chosen: Language) -> None:
    set_cookie(request, response, _LANGUAGE, chosen, _LANGUAGE_SECONDS)


def cookie_name(request: Request, kind: str) -> str:
    return f"__Host-{kind}" if get_state(request).is_https else kind


def set_cookie(
    request: Request, response: Response, kind: str, value: str, seconds: int, *, lax: bool = False
) -> None:
    """Set a cookie that scripts cannot read, or delete it with 0 seconds. Only a `lax` cookie is
    sent when another site leads here."""
    response.set_cookie(
        cookie_name(request, kind),
        value,
        max_age=seconds,
        path="/",
        secure=get_state(request).is_https,
        httponly=True,
        samesite="lax" if lax else "strict",
    )
