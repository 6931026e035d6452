"""`GET /pictures/{hash}-{width}.{format}`: the bytes of a name never change, so caches may keep
them without limit. Pictures are under the same embargo as the profiles they belong to; logos, the
only PNG files, are under none."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.phases import published_at
from voting_service.errors import NotFound, NotPublished
from voting_service.sites.public.api.reads import matches
from voting_service.sites.public.state import PublicState

_NAME = re.compile(
    r"(?P<hash>[0-9a-f]{32})-(?P<width>[1-9][0-9]{1,3})\.(?P<format>avif|webp|jpeg|png)"
)
_HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",  # platforms show them in their own pages
    "x-content-type-options": "nosniff",
}


async def picture_file(request: Request) -> Response:
    """Return a picture in one size and format. Raises NotFound, NotPublished."""
    state: PublicState = request.state.app_state
    name: str = request.path_params["name"]
    name_parts = _NAME.fullmatch(name)
    if name_parts is None or name_parts["hash"] not in state.pictures.owners:
        raise NotFound("sites.public.api.no_such_picture")
    if name_parts["format"] != "png":
        _require_published(state, state.pictures.owners[name_parts["hash"]])
    content = await state.pictures.read(
        name, name_parts["hash"], int(name_parts["width"]), name_parts["format"]
    )
    headers = {**_HEADERS, "etag": f'"{name}"'}
    if matches(request.headers.get("if-none-match", "").encode(), headers["etag"].encode()):
        return Response(b"", 304, headers)
    return Response(content, 200, headers, media_type=f"image/{name_parts['format']}")


def _require_published(state: PublicState, owners: frozenset[int]) -> None:
    """Raises NotPublished until one of the contests that use a picture is published."""
    contests = [c for c in state.registry.contests.values() if c.id in owners]
    if not contests:
        raise NotFound("sites.public.api.no_such_picture")
    first = min(published_at(contest) for contest in contests)
    if state.clock() < first:
        raise NotPublished(first)
