r"""The cookies in a visitor's browser. The privacy notice (`/privacy`) names all of them.

| cookie           | contents                       | scripts | lifetime                        |
|------------------|--------------------------------|---------|---------------------------------|
| `session-SLUG`   | the session's token            | no      | the session's                   |
| `platform-SLUG`  | the platform's names, zh\|en   | read it | the session's                   |
| `choice-SLUG`    | numbers under review           | no      | an hour                         |
| `voted-SLUG`     | the id of a ballot cast here   | read it | until the voter may vote again  |
| `sign-in`        | a sign-in at a provider        | no      | ten minutes                     |
| `order`          | the order of the list          | no      | 40 days (responses.py)          |
| `view`           | size and theme that were chosen| read it | 400 days (look/view.py)         |

All are first-party, for every path and SameSite=Lax: browsers send them when a voter follows a
platform's link, never with another site's post. Over https all but `order` and `view`, which matter
to nobody else, have the prefix `__Host-`, so that no other host of the domain can set them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Contest, Platform
from voting_service.infrastructure.http_clients.authorization_requests import LIFE

_CHOICE_SECONDS = 3600
_CHOICE = re.compile(r"[1-9][0-9]{0,3}(\.[1-9][0-9]{0,3}){0,199}")
_BALLOT_ID = re.compile(r"[0-9a-f]{32}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,200}")


class _OwnCookies:
    """Sets and deletes cookies of this site."""

    def __init__(self, public_url: str) -> None:
        self._secure = public_url.startswith("https://")
        self._prefix = "__Host-" if self._secure else ""

    def _set(
        self, response: Response, name: str, value: str, seconds: int, *, scripts: bool = False
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=not scripts,
            samesite="lax",
        )

    def _delete(self, response: Response, name: str) -> None:
        # Browsers delete a prefixed cookie only if the attributes of the prefix are set.
        response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="lax")


class PendingSignInCookie(_OwnCookies):
    """The encrypted sign-in under way at a provider. It is sent on the way back: SameSite=Lax."""

    def __init__(self, public_url: str) -> None:
        super().__init__(public_url)
        self._name = f"{self._prefix}sign-in"

    def read(self, request: Request) -> str:
        return request.cookies.get(self._name, "")

    def keep(self, response: Response, encrypted: str) -> None:
        self._set(response, self._name, encrypted, int(LIFE.total_seconds()))

    def forget(self, response: Response) -> None:
        self._delete(response, self._name)


class VisitorCookies(_OwnCookies):
    """The cookies of one contest."""

    def __init__(self, contest: Contest, public_url: str) -> None:
        super().__init__(public_url)
        self._contest = contest
        self._session, self._platform, self._choice, self._voted = (
            f"{self._prefix}{kind}-{contest.slug}"
            for kind in ("session", "platform", "choice", "voted")
        )

    def session(self, request: Request) -> str:
        """The session's token, unchecked; empty without one."""
        token = request.cookies.get(self._session, "")
        return token if _SESSION.fullmatch(token) else ""

    def keep_session(
        self, response: Response, token: str, seconds: int, platform: Platform
    ) -> None:
        """Keep the session, and through whom it was opened, which pages show."""
        names = "|".join(quote(name, safe="") for name in (platform.name.zh, platform.name.en))
        self._set(response, self._session, token, seconds)
        self._set(response, self._platform, names, seconds, scripts=True)

    def choice(self, request: Request) -> list[int]:
        """The choices that were sent to the review and are not cast yet."""
        kept = request.cookies.get(self._choice, "")
        return [int(number) for number in kept.split(".")] if _CHOICE.fullmatch(kept) else []

    def keep_choice(self, response: Response, choices: Iterable[int]) -> None:
        """Keep the choices. Browsers keep 4 KiB per cookie, more than any valid ballot needs."""
        self._set(response, self._choice, ".".join(map(str, choices)), _CHOICE_SECONDS)

    def voted(self, request: Request) -> str | None:
        """The id of the ballot that was cast in this browser, unchecked; None without one."""
        ballot = request.cookies.get(self._voted, "")
        return ballot if _BALLOT_ID.fullmatch(ballot) else None

    def mark_voted(self, response: Response, ballot: str, now: datetime) -> None:
        """Keep the ballot's id until the voter may vote again (the next day) or voting closes."""
        left = self._contest.period_end(now) - now
        seconds = max(1, int(left.total_seconds()))
        self._set(response, self._voted, ballot, seconds, scripts=True)

    def forget_choice(self, response: Response) -> None:
        self._delete(response, self._choice)

    def forget_voted(self, response: Response) -> None:
        self._delete(response, self._voted)

    def forget_visitor(self, response: Response) -> None:
        """Delete all cookies of the contest, so that another person can use this browser."""
        for name in (self._session, self._platform, self._choice, self._voted):
            self._delete(response, name)
