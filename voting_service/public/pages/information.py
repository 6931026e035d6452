"""The rules in plain words, and the published cut."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from voting_service.cut.document import CutDocument
from voting_service.public.pages.answers import page_response, rendered_response
from voting_service.public.pages.visit import Visit
from voting_service.storage.signed_file import read_signed_file

_SHARED = "public, max-age=10, stale-while-revalidate=60"


async def rules(visit: Visit) -> Response:
    """Everything that was announced before voting opened."""
    return page_response(visit.request, visit.book.rules(visit.language), cache_control=_SHARED)


async def cut(visit: Visit) -> Response:
    """Who goes on, by how much, and how anyone can check it."""
    document = await visit.worker.publication(visit.contest)
    body = visit.book.render(
        "cut.html",
        visit.language,
        "/cut",
        cut=None if document is None else _read(document),
    )
    return rendered_response(body)


def _read(document: bytes) -> CutDocument:
    return msgspec.convert(read_signed_file(document).document, CutDocument)
