"""`GET /pictures/{hash}-{width}.{format}`: a name never means other bytes, so everybody may keep
them for ever. Under embargo they are as unpublished as the profiles they belong to."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.phases import published_at
from voting_service.errors import NotFound, NotPublished
from voting_service.public.reads import matches
from voting_service.public.worker import Worker

_NAME = re.compile(r"(?P<hash>[0-9a-f]{32})-(?P<width>[1-9][0-9]{1,3})\.(?P<format>avif|webp|jpeg)")
_HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",  # platforms show them in their own pages
    "x-content-type-options": "nosniff",
}


async def picture_file(request: Request) -> Response:
    """One size in one format."""
    worker: Worker = request.state.worker
    name: str = request.path_params["name"]
    found = _NAME.fullmatch(name)
    if found is None or found["hash"] not in worker.pictures.owners:
        raise NotFound("there is no picture of this name")
    _require_published(worker, worker.pictures.owners[found["hash"]])
    content = await worker.pictures.read(name, found["hash"], int(found["width"]), found["format"])
    headers = {**_HEADERS, "etag": f'"{name}"'}
    if matches(request.headers.get("if-none-match", "").encode(), headers["etag"].encode()):
        return Response(b"", 304, headers)
    return Response(content, 200, headers, media_type=f"image/{found['format']}")


def _require_published(worker: Worker, owners: frozenset[int]) -> None:
    """Raises NotPublished while no contest that a picture belongs to is published."""
    contests = [c for c in worker.registry.contests.values() if c.id in owners]
    if not contests:
        raise NotFound("there is no picture of this name")
    first = min(published_at(contest) for contest in contests)
    if worker.clock() < first:
        raise NotPublished(first)
