"""Page responses: security headers, entity tags, and the cookie with the visitor's order."""

from __future__ import annotations

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.list_order import VARIANTS
from voting_service.errors import NotFound
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.infrastructure.prepared_response import Prepared
from voting_service.sites.public.api.reads import matches
from voting_service.sites.shared.prepared_pages import PreparedPage, accepts_gzip
from voting_service.sites.shared.security_headers import SECURITY_HEADERS

ORDER_COOKIE = "order"
ORDER_SECONDS = 40 * 86_400
_ORDER = re.compile(rb"(?:^|; )order=([0-9]{1,2})(?:;|$)")


def language_of_path(request: Request) -> Language:
    """Return the language in the address. Raises NotFound for an unknown one."""
    requested = request.path_params["language"]
    for language in LANGUAGES:
        if language == requested:
            return language
    raise NotFound("sites.public.pages.no_such_page")


def page_response(request: Request, prepared: Prepared, *, cache_control: str) -> Response:
    """Return a prepared page, or 304. Compressed if the client accepts it."""
    headers = {
        **SECURITY_HEADERS,
        "etag": f"W/{prepared.etag}",
        "cache-control": cache_control,
        "vary": "Accept-Encoding",
    }
    if matches(request.headers.get("if-none-match", "").encode(), prepared.etag.encode()):
        return Response(b"", 304, headers)
    body = prepared.body
    if isinstance(prepared, PreparedPage) and accepts_gzip(
        request.headers.get("accept-encoding", "")
    ):
        body = prepared.packed
        headers["content-encoding"] = "gzip"
    return Response(body, 200, headers, media_type="text/html")


def rendered_response(body: bytes, status: int = 200) -> Response:
    """Return a page made for this visitor, which must not be cached."""
    headers = {**SECURITY_HEADERS, "cache-control": "no-store"}
    return Response(body, status, headers, media_type="text/html")


def order_variant(request: Request) -> tuple[int, bool]:
    """Return the variant of the visitor's order, and whether it is new."""
    return order_in(request.headers.get("cookie", "").encode("latin-1"))


def order_in(cookies: bytes) -> tuple[int, bool]:
    """Return the variant in a Cookie header, or a random one, and whether it is new."""
    cookie = _ORDER.search(cookies)
    if cookie is not None and int(cookie[1]) < VARIANTS:
        return int(cookie[1]), False
    return secrets.randbelow(VARIANTS), True


def keep_order(response: Response, variant: int) -> None:
    """Set the cookie with the visitor's order."""
    response.set_cookie(
        ORDER_COOKIE, str(variant), max_age=ORDER_SECONDS, httponly=True, samesite="lax"
    )
