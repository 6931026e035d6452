"""Protection against cross-site requests."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

from voting_service.errors import SentFromElsewhere
from voting_service.infrastructure.strict_json import printable

_NOT_ANOTHER_SITE = frozenset({None, "same-origin", "same-site", "none"})


def refuse_cross_site(
    request: Request,
    public_url: str,
    trusted: Collection[str] = (),
    *,
    proves_itself: bool = False,
) -> None:
    """Raises SentFromElsewhere unless a post comes from our own pages or a trusted origin.

    The rule of Go's net/http.CrossOriginProtection: browsers send Sec-Fetch-Site, older ones
    Origin, and a request with neither does not come from a browser (forms of a session also carry a
    CSRF token).

    `Origin: null` is sent by pages with the policy no-referrer and by sandboxed frames of any
    site. It is accepted only where the form `proves_itself` with a secret that other sites do
    not have, not with a cookie, and where Sec-Fetch-Site does not name another site. Our own
    pages with forms have the policy same-origin, so browsers send our origin.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if origin in trusted or (proves_itself and origin == "null" and site in _NOT_ANOTHER_SITE):
        return
    if site is not None:
        ours = site in {"same-origin", "none"}
    else:
        ours = origin in {None, public_url} or _origin_host(origin) == request.headers.get("host")
    if not ours and proves_itself:
        raise SentFromElsewhere(
            "sites.shared.form_of_unregistered_origin",
            received=printable(origin or site or "", 100),
            registered=", ".join(trusted) or "–",
        )
    if not ours:
        raise SentFromElsewhere("sites.shared.form_of_another_site")


def _origin_host(origin: str | None) -> str:
    try:
        return urlsplit(origin or "").netloc
    except ValueError:
        return ""
