"""Public notices: who was selected, and how their numbers are drawn."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.errors import NotFound
from voting_service.i18n.formatting import preferred_language
from voting_service.infrastructure.crypto.public_draw import lot
from voting_service.infrastructure.postgres.pool import acquire
from voting_service.nomination.notices.repository import (
    Notice,
    PublishedNotice,
    load_notice,
    load_notices,
)
from voting_service.sites.public.api.reads import json_response, requested_version
from voting_service.sites.public.pages.cached_views import SHARED
from voting_service.sites.public.pages.responses import language_of_path, page_response
from voting_service.sites.public.rendering import render
from voting_service.sites.public.state import PublicState

_SHARED = SHARED.decode()


async def _requested_notice(request: Request) -> PublishedNotice:
    state: PublicState = request.state.app_state
    slug: str = request.path_params["slug"]
    if "\0" in slug:
        raise NotFound("sites.public.pages.no_such_notice")
    async with acquire(state.read_pool) as connection:
        return await load_notice(connection, slug, state.clock(), requested_version(request))


async def notice_page(request: Request) -> Response:
    """Show a notice: its newest version, or the one of `?version=`."""
    state: PublicState = request.state.app_state
    language = language_of_path(request)
    now = state.clock()

    async def load() -> tuple[PublishedNotice, bool]:
        published = await _requested_notice(request)
        until = published.notice.objections_until
        return published, until is not None and until <= now

    def render_notice(loaded: tuple[PublishedNotice, bool]) -> bytes:
        published, is_over = loaded
        notice = published.notice
        return render(
            "notice.html",
            language=language,
            path=f"/notices/{notice.slug}",
            title=notice.title,
            notice=notice,
            published=published,
            is_over=is_over,
            lot=lot,
            public_url=state.settings.public_url,
        )

    key = language, request.path_params["slug"], requested_version(request)
    page = await state.shown_notices.get(key, now, load, render_notice)
    return page_response(request, page, cache_control=_SHARED)


async def notices_page(request: Request) -> Response:
    """Show all notices, newest first."""
    state: PublicState = request.state.app_state
    language = language_of_path(request)
    now = state.clock()

    async def load() -> tuple[Notice, ...]:
        async with acquire(state.read_pool) as connection:
            return await load_notices(connection, now)

    def render_list(notices: tuple[Notice, ...]) -> bytes:
        return render(
            "notices.html",
            language=language,
            path="/notices",
            title=None,
            notices=notices,
            public_url=state.settings.public_url,
        )

    page = await state.shown_notices.get(language, now, load, render_list)
    return page_response(request, page, cache_control=_SHARED)


async def notice_document(request: Request) -> Response:
    """Return a notice as JSON, with everything needed to repeat the draw."""
    published = await _requested_notice(request)
    return json_response(
        {
            **_builtins(published),
            "version": published.version,
            "versions": published.versions,
            "published_at": published.published_at,
        },
        _SHARED,
    )


def _builtins(published: PublishedNotice) -> dict[str, object]:
    notice: dict[str, object] = msgspec.to_builtins(published.notice)
    return notice


async def in_readers_language(request: Request) -> Response:
    """Redirect (302) from an address without a language, as printed on paper."""
    language = preferred_language(request.headers.get("accept-language", "").encode())
    path = request.url.path.rstrip("/")
    return RedirectResponse(f"/{language}{path}", 302, {"vary": "accept-language"})
