"""Public notices for everybody: who stands, how their numbers are drawn, who was chosen."""

from __future__ import annotations

from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.lots import lot
from voting_service.contests.notices import PublishedNotice, load_notice, load_notices
from voting_service.errors import NotFound
from voting_service.public.pages.answers import language_of_path, page_response
from voting_service.public.pages.rendering import render
from voting_service.public.reads import json_response, version_asked
from voting_service.public.worker import Worker
from voting_service.storage.postgres import acquire
from voting_service.web.languages import language_of, written_moment
from voting_service.web.prepared import PreparedPage

_SHARED = "public, max-age=10, stale-while-revalidate=60"


async def _asked(request: Request) -> PublishedNotice:
    worker: Worker = request.state.worker
    slug: str = request.path_params["slug"]
    if "\0" in slug:
        raise NotFound("there is no such notice")
    async with acquire(worker.read_pool) as connection:
        return await load_notice(connection, slug, worker.clock(), version_asked(request))


async def notice_page(request: Request) -> Response:
    """One notice, its newest version unless `?version=` asks for another."""
    worker: Worker = request.state.worker
    language = language_of_path(request)
    published = await _asked(request)
    notice = published.notice
    until = notice.objections_until
    body = render(
        "notice.html",
        language=language,
        path=f"/notices/{notice.slug}",
        title=notice.title,
        notice=notice,
        published=published,
        is_over=until is not None and until <= worker.clock(),
        when=partial(written_moment, zone=notice.zone, language=language),
        lot=lot,
        public_url=worker.settings.public_url.rstrip("/"),
    )
    return page_response(request, PreparedPage.of(body), cache_control=_SHARED)


async def notices_page(request: Request) -> Response:
    """Every notice, the newest first."""
    worker: Worker = request.state.worker
    language = language_of_path(request)
    async with acquire(worker.read_pool) as connection:
        notices = await load_notices(connection, worker.clock())
    body = render(
        "notices.html",
        language=language,
        path="/notices",
        title=None,
        notices=notices,
        when=[partial(written_moment, zone=each.zone, language=language) for each in notices],
        public_url=worker.settings.public_url.rstrip("/"),
    )
    return page_response(request, PreparedPage.of(body), cache_control=_SHARED)


async def notice_document(request: Request) -> Response:
    """The same as data: everything that is needed to draw the numbers again."""
    published = await _asked(request)
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
    """Addresses without a language, as they are printed on paper."""
    language = language_of(request.headers.get("accept-language", "").encode())
    return RedirectResponse(f"/{language}{request.url.path}", 302, {"vary": "accept-language"})
