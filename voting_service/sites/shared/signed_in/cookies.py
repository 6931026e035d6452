"""The staff site's cookies. Over https they carry the prefix `__Host-`: no neighbour can set them.

| cookie     | holds                | scripts | sent                         |
|------------|----------------------|---------|------------------------------|
| `staff`    | the session's token  | no      | from our own pages only      |
| `device`   | a known device       | no      | from our own pages only      |
| `language` | `zh` or `en`         | no      | from our own pages only      |
"""

from __future__ import annotations

import re
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from voting_service.i18n.formatting import preferred_language
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.known_devices import (
    StaffDevice,
    issue_device_cookie,
    read_device_cookie,
)
from voting_service.staff.accounts.sessions import ABSOLUTE

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class Cookie(NamedTuple):
    """A cookie that scripts cannot read. Only a `lax` one is sent when another site leads here."""

    name: str
    seconds: int
    lax: bool = False


_SESSION = Cookie("staff", int(ABSOLUTE.total_seconds()))
_DEVICE = Cookie("device", 400 * 86_400)
_LANGUAGE = Cookie("language", 400 * 86_400)


def session_token(request: Request) -> str:
    """Return the session's token, unchecked; "" without one."""
    token = read_cookie(request, _SESSION)
    return token if _TOKEN.fullmatch(token) else ""


def keep_session(request: Request, response: Response, token: str) -> None:
    set_cookie(request, response, _SESSION, token)


def forget_session(request: Request, response: Response) -> None:
    delete_cookie(request, response, _SESSION)


def known_device(request: Request) -> StaffDevice | None:
    """Return which known device sends the request."""
    return read_device_cookie(_master_key(request), read_cookie(request, _DEVICE))


def keep_device(request: Request, response: Response, account: str) -> None:
    """Make the browser a known device of the account that was signed in there."""
    set_cookie(request, response, _DEVICE, issue_device_cookie(_master_key(request), account))


def _master_key(request: Request) -> bytes:
    return get_state(request).settings.master_key.get_secret_value()


def language(request: Request) -> Language:
    """Return the language chosen on this site, else the browser's, else Chinese."""
    kept = read_cookie(request, _LANGUAGE)
    for code in LANGUAGES:
        if code == kept:
            return code
    return preferred_language(request.headers.get("accept-language", "").encode())


def keep_language(request: Request, response: Response, chosen: Language) -> None:
    set_cookie(request, response, _LANGUAGE, chosen)


def read_cookie(request: Request, cookie: Cookie) -> str:
    """Return the value that the browser sent, unchecked; "" without one."""
    return request.cookies.get(_full_name(request, cookie), "")


def _full_name(request: Request, cookie: Cookie) -> str:
    return f"__Host-{cookie.name}" if get_state(request).is_https else cookie.name


def delete_cookie(request: Request, response: Response, cookie: Cookie) -> None:
    set_cookie(request, response, cookie._replace(seconds=0), "")


def set_cookie(request: Request, response: Response, cookie: Cookie, value: str) -> None:
    response.set_cookie(
        _full_name(request, cookie),
        value,
        max_age=cookie.seconds,
        path="/",
        secure=get_state(request).is_https,
        httponly=True,
        samesite="lax" if cookie.lax else "strict",
    )
