"""Posts are taken from our own pages only."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

from voting_service.errors import SentFromElsewhere

_NOT_ANOTHER_SITE = frozenset({None, "same-origin", "same-site", "none"})


def refuse_cross_site(
    request: Request,
    public_url: str,
    trusted: Collection[str] = (),
    *,
    proves_itself: bool = False,
) -> None:
    """Raises SentFromElsewhere unless a post comes from our own pages or a trusted origin.

    The rule of Go's net/http.CrossOriginProtection: browsers say in Sec-Fetch-Site where a
    request comes from, older ones in Origin, and what says neither is no browser of these years
    (a session's forms carry a mark besides).

    `Origin: null` names nobody: a page with the policy no-referrer sends it, and so does a frame
    in a sandbox, whosever it is. It is taken only where the form `proves_itself`, by a secret that
    no page of another site has and not by a cookie, and where Sec-Fetch-Site does not name
    another site. Our own pages with a form have the policy same-origin, so browsers name us.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if origin in trusted or (proves_itself and origin == "null" and site in _NOT_ANOTHER_SITE):
        return
    if site is not None:
        ours = site in {"same-origin", "none"}
    else:
        ours = origin in {None, public_url} or _host_of(origin) == request.headers.get("host")
    if not ours:
        raise SentFromElsewhere("the form was sent from a page of another site")


def _host_of(origin: str | None) -> str:
    try:
        return urlsplit(origin or "").netloc
    except ValueError:
        return ""
