"""The rules page and the published cut."""

from __future__ import annotations

from starlette.responses import Response

from voting_service.infrastructure.postgres.pool import acquire
from voting_service.nomination.awards.published_result import shown_result
from voting_service.sites.public.api.reads import requested_version
from voting_service.sites.public.pages.cached_views import SHARED
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.responses import page_response
from voting_service.sites.public.pages.result_views import objections_until
from voting_service.voting.cut.correction import read_document
from voting_service.voting.cut.publication import ShownCut
from voting_service.voting.exposure.repository import load_report

_SHARED = SHARED.decode()


async def rules(context: PageContext) -> Response:
    """Show the rules and every announced change."""
    page = context.page_cache.rules(context.language, context.state.platforms.values())
    return page_response(context.request, page, cache_control=_SHARED)


async def cut(context: PageContext) -> Response:
    """Show the finalists, the votes, corrections, and how to check the document."""
    version = requested_version(context.request)

    async def load() -> tuple[ShownCut | None, bool, bool, bool]:
        shown = await context.state.publication(context.contest, version)
        async with acquire(context.state.read_pool) as connection:
            announced = await shown_result(connection, context.contest.id, context.now)
            exposure = await load_report(connection, context.contest.id)
        is_over = announced is not None and objections_until(announced) <= context.now
        return shown, announced is not None, exposure is not None, is_over

    def render(loaded: tuple[ShownCut | None, bool, bool, bool]) -> bytes:
        shown, is_announced, has_exposure, is_over = loaded
        return context.page_cache.render(
            "cut.html",
            context.language,
            "/cut" if version is None else f"/cut?version={version}",
            cut=None if shown is None else read_document(shown.document),
            versions=shown.versions if shown else (),
            is_announced=is_announced,
            has_exposure=has_exposure,
            is_over=is_over,
        )

    key = "cut", context.language, version
    page = await context.page_cache.shown.get(key, context.now, load, render)
    return page_response(context.request, page, cache_control="no-store")
