"""What machines ask every website for: robots.txt, security.txt and favicon.ico."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from voting_service.errors import NotFound
from voting_service.i18n.text import LANGUAGES
from voting_service.sites.public.rendering import PACKAGE
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.static_files import static_files

EXPIRES_AFTER = timedelta(days=90)
"""RFC 9116 asks for less than a year; it counts from each request, so it never lapses here."""
_PRIVATE = ("/api/", "/enter", *(f"/{language}/*/ballot" for language in LANGUAGES))
"""What a search engine shall not ask for. Receipts and answers to objections ask themselves not to
be listed: an address that robots.txt names would be known to everybody."""
_DAY = {"cache-control": "public, max-age=86400", "x-content-type-options": "nosniff"}


async def robots(_request: Request) -> Response:
    """Let search engines read everything but ballots and the API (RFC 9309)."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _PRIVATE)]
    return PlainTextResponse("\n".join(lines) + "\n", headers=_DAY)


async def security_contact(request: Request) -> Response:
    """Name the contact for reports of vulnerabilities (RFC 9116). Raises NotFound when the operator
    has set none."""
    state: PublicState = request.state.app_state
    contact, address = state.settings.security_contact, state.settings.public_url
    if contact is None:
        raise NotFound("sites.public.pages.no_security_contact")
    expires = (state.clock() + EXPIRES_AFTER).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = (
        f"Contact: {contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {', '.join(LANGUAGES)}",
        f"Canonical: {address}/.well-known/security.txt",
    )
    return PlainTextResponse("\n".join(lines) + "\n", headers=_DAY)


async def favicon(_request: Request) -> Response:
    """Return the icon for browsers that ask for no other."""
    file = static_files(PACKAGE)["favicon.ico"]
    return Response(file.prepared.body, headers=_DAY, media_type="image/x-icon")
