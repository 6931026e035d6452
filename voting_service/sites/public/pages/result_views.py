"""The final result: winners and nominees, their pages, the album, and the certificate check."""

from __future__ import annotations

import re
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.pictures.model import Picture
from voting_service.errors import NotFound
from voting_service.i18n.formatting import preferred_language
from voting_service.infrastructure.postgres.pool import AnyConnection, acquire
from voting_service.infrastructure.prepared_response import Prepared
from voting_service.nomination.awards.certificate_numbers import is_serial_number
from voting_service.nomination.awards.published_result import (
    Award,
    Publicity,
    PublishedCertificate,
    Result,
    album_languages,
    album_since,
    find_certificate,
    load_album,
    load_publicity,
    shown_result,
)
from voting_service.sites.public.api.reads import SHARED_SECONDS, conditional_response
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.responses import page_response, rendered_response
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.security_headers import SECURITY_HEADERS
from voting_service.voting.exposure.repository import load_report


async def result(context: PageContext) -> Response:
    """Show winners and nominees by number, or that the result is not announced yet."""
    contest, now = context.contest, context.now

    async def load() -> tuple[Result | None, bool, bool, bool]:
        async with acquire(context.state.read_pool) as connection:
            shown = await shown_result(connection, contest.id, now)
            albums = await album_languages(connection, contest.id, shown.version) if shown else ()
            exposure = await load_report(connection, contest.id)
        is_over = shown is not None and objections_until(shown) <= now
        return shown, context.language in albums, exposure is not None, is_over

    def render(loaded: tuple[Result | None, bool, bool, bool]) -> bytes:
        shown, has_album, has_exposure, _ = loaded
        return context.page_cache.render(
            "result.html",
            context.language,
            "/result",
            result=None if shown is None else shown.read(),
            objections_until=None if shown is None else objections_until(shown),
            has_album=has_album,
            has_exposure=has_exposure,
            now=now,
        )

    key = "result", context.language
    page = await context.page_cache.shown.get(key, now, load, render)
    return page_response(context.request, page, cache_control="no-store")


def objections_until(shown: Result) -> datetime:
    """Return when objections to a result end."""
    return datetime.fromisoformat(shown.read().objections_until)


async def awarded(context: PageContext) -> Response:
    """Show the page of a winner or nominee. Raises NotFound for other numbers."""
    number = context.request.path_params["number"]
    candidate = next((c for c in context.contest.candidates if c.number == number), None)

    async def load() -> tuple[Award, Publicity]:
        async with acquire(context.state.read_pool) as connection:
            shown = await shown_result(connection, context.contest.id, context.now)
            publicity = await load_publicity(connection, context.contest.id)
        award = None if shown is None else shown.read().find_award(number)
        if award is None or candidate is None:
            raise NotFound("sites.public.pages.not_in_result")
        return award, publicity.get(number, Publicity(number))

    def render(loaded: tuple[Award, Publicity]) -> bytes:
        award, about = loaded
        return context.page_cache.render(
            "awarded.html",
            context.language,
            f"/result/{number}",
            candidate=candidate,
            award=award,
            publicity=about,
            picture=_portrait(context, number),
        )

    key = "awarded", context.language, number
    page = await context.page_cache.shown.get(key, context.now, load, render)
    return page_response(context.request, page, cache_control="no-store")


def _portrait(context: PageContext, number: int) -> Picture | None:
    shown = context.contest_state.pictures.get(number, ())
    return next((picture for picture in shown if picture.kind == "portrait"), None)


async def album(context: PageContext) -> Response:
    """Return the album of the published result as a PDF, in the language of the address."""
    prepared = await _album(context)
    headers = {
        "cache-control": f"public, max-age={SHARED_SECONDS}",
        "x-content-type-options": "nosniff",
    }
    return conditional_response(context.request, prepared, headers, "application/pdf")


async def _album(context: PageContext) -> Prepared:
    """Load the album if it changed since it was last read. Raises NotFound."""
    contest_id, language, kept = context.contest.id, context.language, context.contest_state.albums
    async with acquire(context.state.read_pool) as connection:
        shown = await shown_result(connection, contest_id, context.now)
        if shown is None:
            raise NotFound("sites.public.pages.no_album")
        since = await album_since(connection, contest_id, language, shown.version)
        if since is None:
            raise NotFound("sites.public.pages.no_album")
        if language in kept and kept[language][:2] == (shown.version, since):
            return kept[language][2]
        content = await load_album(connection, contest_id, language, shown.version)
    if content is None:
        raise NotFound("sites.public.pages.no_album")
    prepared = Prepared.of(content)
    kept[language] = (shown.version, since, prepared)
    return prepared


async def certificate(context: PageContext) -> Response:
    """Show whether a certificate is valid, with name, award and year if it is."""
    serial = context.request.path_params["serial"]
    code = context.request.query_params.get("code", "")
    async with acquire(context.state.read_pool) as connection:
        record = await _certificate(connection, serial, code)
        shown = await shown_result(connection, context.contest.id, context.now)
    if record is not None and record.contest_id != context.contest.id:
        record = None
    is_valid = (
        record is not None
        and shown is not None
        and shown.read().find_award(record.number) == record.award
    )
    person = None
    if record is not None and shown is not None:
        person = next((c for c in context.contest.candidates if c.number == record.number), None)
    body = context.page_cache.render(
        "certificate.html",
        context.language,
        f"/certificates/{serial}?code={code}" if is_serial_number(serial) else "",
        certificate=record if person is not None else None,
        is_valid=is_valid,
        person=person,
        title=None if shown is None else shown.read().award or shown.read().title,
    )
    response = rendered_response(body, 200 if is_valid else 404)
    response.headers["referrer-policy"] = "no-referrer"
    return response


async def _certificate(
    connection: AnyConnection, serial: str, code: str
) -> PublishedCertificate | None:
    return await find_certificate(connection, serial, code) if is_serial_number(serial) else None


async def certificate_address(request: Request) -> Response:
    """Redirect (302) from the address in the QR code to the page in the reader's language. For an
    unknown certificate the page belongs to the newest contest and shows that it is not valid."""
    state: PublicState = request.state.app_state
    serial, code = request.path_params["serial"], request.query_params.get("code", "")
    async with acquire(state.read_pool) as connection:
        record = await _certificate(connection, serial, code)
    contests = {
        contest_state.contest.id: contest_state.contest
        for contest_state in state.contest_states.values()
    }
    if not contests or not is_serial_number(serial):
        raise NotFound("sites.public.pages.no_such_certificate")
    contest = contests.get(record.contest_id) if record is not None else None
    contest = contest or max(contests.values(), key=lambda contest: contest.opens_at)
    language = preferred_language(request.headers.get("accept-language", "").encode())
    kept = code if re.fullmatch(r"[0-9a-f]{1,64}", code) else ""
    return RedirectResponse(
        f"/{language}/{contest.slug}/certificates/{serial}?code={kept}",
        302,
        {**SECURITY_HEADERS, "vary": "accept-language", "cache-control": "no-store"},
    )


async def published_result(request: Request) -> Response:
    """Return the signed result, or 404 until it is announced."""
    state: PublicState = request.state.app_state
    contest = state.contest_state(request.path_params["slug"]).contest
    async with acquire(state.read_pool) as connection:
        shown: Result | None = await shown_result(connection, contest.id, state.clock())
    if shown is None:
        raise NotFound("sites.public.pages.result_not_announced")
    headers = {"cache-control": f"public, max-age={SHARED_SECONDS}", "vary": "Origin"}
    return conditional_response(request, Prepared.of(shown.document), headers, "application/json")
