"""What a visitor's browser keeps for a contest, apart from the order of the list.

| cookie           | holds                          | scripts | lives                           |
|------------------|--------------------------------|---------|---------------------------------|
| `session-SLUG`   | the session's token            | no      | as long as the session          |
| `choice-SLUG`    | numbers under review           | no      | an hour                         |
| `voted-SLUG`     | the id of a ballot cast here   | read it | until the voter may vote again  |

All are first-party, for every path and SameSite=Lax, so that they come along when a platform
sends its user over and when its link is followed, never with another site's post. Over https
they are Secure and carry the prefix `__Host-`: no neighbour of ours can set them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Contest

_CHOICE_SECONDS = 3600
_CHOICE = re.compile(r"[1-9][0-9]{0,3}(\.[1-9][0-9]{0,3}){0,199}")
_BALLOT_ID = re.compile(r"[0-9a-f]{32}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,200}")


class VisitorCookies:
    """The cookies of one contest."""

    def __init__(self, contest: Contest, public_url: str) -> None:
        self._contest = contest
        self._secure = public_url.startswith("https://")
        prefix = "__Host-" if self._secure else ""
        self._session, self._choice, self._voted = (
            f"{prefix}{kind}-{contest.slug}" for kind in ("session", "choice", "voted")
        )

    def session(self, request: Request) -> str:
        """The session's token, unchecked; empty without one."""
        token = request.cookies.get(self._session, "")
        return token if _SESSION.fullmatch(token) else ""

    def keep_session(self, response: Response, token: str, seconds: int) -> None:
        self._set(response, self._session, token, seconds)

    def choice(self, request: Request) -> list[int]:
        """What was sent to the review and is not cast yet."""
        kept = request.cookies.get(self._choice, "")
        return [int(number) for number in kept.split(".")] if _CHOICE.fullmatch(kept) else []

    def keep_choice(self, response: Response, choices: Iterable[int]) -> None:
        """A browser keeps 4 KiB a cookie: more than any ballot that can be ticked."""
        self._set(response, self._choice, ".".join(map(str, choices)), _CHOICE_SECONDS)

    def voted(self, request: Request) -> str | None:
        """The id of the ballot that was cast in this browser, if the browser says so."""
        ballot = request.cookies.get(self._voted, "")
        return ballot if _BALLOT_ID.fullmatch(ballot) else None

    def mark_voted(self, response: Response, ballot: str, now: datetime) -> None:
        """Until the voter may vote again: the next day, or the close."""
        left = self._contest.period_end(now) - now
        seconds = max(1, int(left.total_seconds()))
        self._set(response, self._voted, ballot, seconds, scripts=True)

    def forget_choice(self, response: Response) -> None:
        self._delete(response, self._choice)

    def forget_voted(self, response: Response) -> None:
        self._delete(response, self._voted)

    def forget_visitor(self, response: Response) -> None:
        """Everything: the next person at this browser begins anew."""
        for name in (self._session, self._choice, self._voted):
            self._delete(response, name)

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
        # A prefixed cookie is only deleted by one that is as good as itself.
        response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="lax")
