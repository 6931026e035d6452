"""The rules in plain words, and the published cut."""

from __future__ import annotations

from starlette.responses import Response

from voting_service.contests.awards import shown_result
from voting_service.cut.correction import read_document
from voting_service.public.pages.answers import page_response, rendered_response
from voting_service.public.pages.visit import Visit
from voting_service.public.reads import version_asked
from voting_service.storage.postgres import acquire

_SHARED = "public, max-age=10, stale-while-revalidate=60"


async def rules(visit: Visit) -> Response:
    """Everything that was announced before voting opened."""
    return page_response(visit.request, visit.book.rules(visit.language), cache_control=_SHARED)


async def cut(visit: Visit) -> Response:
    """Who goes on, by how much, what was corrected, and how anyone can check it."""
    asked = version_asked(visit.request)
    shown = await visit.worker.publication(visit.contest, asked)
    async with acquire(visit.worker.read_pool) as connection:
        announced = await shown_result(connection, visit.contest.id, visit.now)
    body = visit.book.render(
        "cut.html",
        visit.language,
        "/cut" if asked is None else f"/cut?version={asked}",
        cut=None if shown is None else read_document(shown.document),
        versions=shown.versions if shown else (),
        is_announced=announced is not None,
    )
    return rendered_response(body)
