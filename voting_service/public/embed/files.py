"""The scripts and styles of the embed, under names that stay.

A platform writes `/embed/vote.js` into its pages once, so this name has no hash; an entity tag
and a short life let a mended script arrive within minutes.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import NotFound
from voting_service.public.reads import matches
from voting_service.tally.standings import Prepared

_HEADERS = {
    "cache-control": "public, max-age=300, stale-while-revalidate=86400",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    # A module is fetched with CORS; cross_origin.py lets registered origins have it.
    "vary": "Origin",
}


@cache
def _files() -> Mapping[str, Prepared]:
    folder = resources.files(__package__).joinpath("static")
    return {entry.name: Prepared.of(entry.read_bytes()) for entry in folder.iterdir()}


async def embed_file(request: Request) -> Response:
    """A file of `static/`."""
    name: str = request.path_params["name"]
    file = _files().get(name)
    if file is None:
        raise NotFound("there is no file of this name")
    headers = {**_HEADERS, "etag": file.etag}
    if matches(request.headers.get("if-none-match", "").encode(), file.etag.encode()):
        return Response(None, 304, headers)
    media_type, _ = mimetypes.guess_type(name)
    return Response(file.body, 200, headers, media_type=media_type)
