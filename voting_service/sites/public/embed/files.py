"""The scripts and styles of the embeds, under permanent names.

Platforms refer to `/embed/vote.js` in their pages, so the name contains no hash. An entity tag and
a short lifetime deliver a new version within minutes.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import NotFound
from voting_service.infrastructure.prepared_response import Prepared
from voting_service.sites.public.api.reads import conditional_response
from voting_service.sites.public.state import PublicState

_HEADERS = {
    "cache-control": "public, max-age=300, stale-while-revalidate=86400",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    "vary": "Origin",
}

_FOR_ANYBODY = {"access-control-allow-origin": "*"}
"""Browsers fetch modules with CORS. On a page whose origin is not registered the script runs too,
and writes that to the console; the API tells it nothing."""


@cache
def _files() -> Mapping[str, Prepared]:
    folder = resources.files(__package__).joinpath("static")
    return {entry.name: Prepared.of(entry.read_bytes()) for entry in folder.iterdir()}


async def embed_file(request: Request) -> Response:
    """Return a file of `static/`. Raises NotFound."""
    name: str = request.path_params["name"]
    file = _files().get(name)
    if file is None:
        raise NotFound("sites.public.embed.no_such_file")
    media_type, _ = mimetypes.guess_type(name)
    assert media_type is not None
    state: PublicState = request.state.app_state
    registered = request.headers.get("origin", "") in state.origins  # cors.py answers these
    headers = _HEADERS if registered else _HEADERS | _FOR_ANYBODY
    return conditional_response(request, file, headers, media_type)
