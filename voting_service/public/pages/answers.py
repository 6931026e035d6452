"""How pages are answered: security headers, entity tags, the visitor's order cookie."""

from __future__ import annotations

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Language
from voting_service.errors import NotFound
from voting_service.public.pages.book import VARIANTS
from voting_service.public.reads import matches
from voting_service.tally.standings import Prepared
from voting_service.web.languages import LANGUAGES
from voting_service.web.prepared import PreparedPage, accepts_gzip
from voting_service.web.security_headers import SECURITY_HEADERS

ORDER_COOKIE = "order"
ORDER_SECONDS = 40 * 86_400
_ORDER = re.compile(rb"(?:^|; )order=([0-9]{1,2})(?:;|$)")


def language_of_path(request: Request) -> Language:
    """The language in the address. Raises NotFound for any other first part."""
    asked = request.path_params["language"]
    for language in LANGUAGES:
        if language == asked:
            return language
    raise NotFound("there is no page here")


def page_response(request: Request, prepared: Prepared, *, cache_control: str) -> Response:
    """A prepared page, or 304 when the reader has it; packed for who unpacks it."""
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
    """A page made for this visitor; nobody may keep it."""
    headers = {**SECURITY_HEADERS, "cache-control": "no-store"}
    return Response(body, status, headers, media_type="text/html")


def order_variant(request: Request) -> tuple[int, bool]:
    """The visitor's order of the list, and whether it was drawn just now."""
    return order_in(request.headers.get("cookie", "").encode("latin-1"))


def order_in(cookies: bytes) -> tuple[int, bool]:
    """The same, from the header as it came."""
    kept = _ORDER.search(cookies)
    if kept is not None and int(kept[1]) < VARIANTS:
        return int(kept[1]), False
    return secrets.randbelow(VARIANTS), True


def keep_order(response: Response, variant: int) -> None:
    """Lets the visitor see the same order next time."""
    response.set_cookie(
        ORDER_COOKIE, str(variant), max_age=ORDER_SECONDS, httponly=True, samesite="lax"
    )
