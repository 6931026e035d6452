"""Who was chosen in the end: the result, each person's page, the album, and certificates that
anybody can verify."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from voting_service.contests.awards import (
    Certificate,
    Publicity,
    Result,
    album_languages,
    album_since,
    find_certificate,
    load_album,
    load_publicity,
    shown_result,
)
from voting_service.contests.pictures import Picture
from voting_service.errors import NotFound
from voting_service.public.pages.answers import rendered_response
from voting_service.public.pages.visit import Visit
from voting_service.public.reads import SHARED_SECONDS, matches
from voting_service.public.worker import Worker
from voting_service.storage.postgres import AnyConnection, acquire
from voting_service.tally.standings import Prepared
from voting_service.web.languages import language_of
from voting_service.web.security_headers import SECURITY_HEADERS

_SERIAL = re.compile(r"[0-9]{4}-[0-9]{3}")


async def result(visit: Visit) -> Response:
    """Winners and nominees, by number; before the announcement that there is none yet."""
    contest, now = visit.contest, visit.now
    async with acquire(visit.worker.read_pool) as connection:
        shown = await shown_result(connection, contest.id, now)
        albums = (
            await album_languages(connection, contest.id, shown.version) if shown else frozenset()
        )
    document = None if shown is None else shown.read()
    body = visit.book.render(
        "result.html",
        visit.language,
        "/result",
        result=document,
        objections_until=None
        if document is None
        else datetime.fromisoformat(document.objections_until),
        has_album=visit.language in albums,
        now=now,
    )
    return rendered_response(body)


async def awarded(visit: Visit) -> Response:
    """What is told of one person. Raises NotFound for whom the result does not name."""
    number = visit.request.path_params["number"]
    async with acquire(visit.worker.read_pool) as connection:
        shown = await shown_result(connection, visit.contest.id, visit.now)
        told = await load_publicity(connection, visit.contest.id)
    award = None if shown is None else shown.read().award_of(number)
    candidate = next((c for c in visit.contest.candidates if c.number == number), None)
    if award is None or candidate is None:
        raise NotFound("the result does not name this number")
    about: Publicity = told.get(number, Publicity(number))
    body = visit.book.render(
        "awarded.html",
        visit.language,
        f"/result/{number}",
        candidate=candidate,
        award=award,
        told=about,
        picture=_portrait(visit, number),
    )
    return rendered_response(body)


def _portrait(visit: Visit, number: int) -> Picture | None:
    shown = visit.desk.pictures.get(number, ())
    return next((one for one in shown if one.kind == "portrait"), None)


async def album(visit: Visit) -> Response:
    """The album of the result that is shown, as a PDF, in the language of the address."""
    prepared = await _album(visit)
    headers = {
        "etag": prepared.etag,
        "cache-control": f"public, max-age={SHARED_SECONDS}",
        "x-content-type-options": "nosniff",
    }
    if matches(visit.request.headers.get("if-none-match", "").encode(), prepared.etag.encode()):
        return Response(b"", 304, headers)
    return Response(prepared.body, 200, headers, media_type="application/pdf")


async def _album(visit: Visit) -> Prepared:
    """From the store only when it is another one than was read last. Raises NotFound."""
    contest_id, language, kept = visit.contest.id, visit.language, visit.desk.albums
    async with acquire(visit.worker.read_pool) as connection:
        shown = await shown_result(connection, contest_id, visit.now)
        if shown is None:
            raise NotFound("there is no album yet")
        since = await album_since(connection, contest_id, language, shown.version)
        if since is None:
            raise NotFound("there is no album yet")
        if language in kept and kept[language][:2] == (shown.version, since):
            return kept[language][2]
        content = await load_album(connection, contest_id, language, shown.version)
    if content is None:
        raise NotFound("there is no album yet")
    prepared = Prepared.of(content)
    kept[language] = (shown.version, since, prepared)
    return prepared


async def certificate(visit: Visit) -> Response:
    """Whether a certificate is valid: name, award and year, or that it is none of ours."""
    serial = visit.request.path_params["serial"]
    code = visit.request.query_params.get("code", "")
    async with acquire(visit.worker.read_pool) as connection:
        found = await _certificate(connection, serial, code)
        shown = await shown_result(connection, visit.contest.id, visit.now)
    if found is not None and found.contest_id != visit.contest.id:
        found = None
    is_valid = (
        found is not None and shown is not None
        and shown.read().award_of(found.number) == found.award
    )  # fmt: skip
    person = None
    if found is not None and shown is not None:
        person = next((c for c in visit.contest.candidates if c.number == found.number), None)
    body = visit.book.render(
        "certificate.html",
        visit.language,
        f"/certificates/{serial}?code={code}" if _SERIAL.fullmatch(serial) else "",
        certificate=found if person is not None else None,
        is_valid=is_valid,
        person=person,
        title=shown.read().title if shown else None,
    )
    answer = rendered_response(body, 200 if is_valid else 404)
    answer.headers["referrer-policy"] = "no-referrer"
    return answer


async def _certificate(connection: AnyConnection, serial: str, code: str) -> Certificate | None:
    return await find_certificate(connection, serial, code) if _SERIAL.fullmatch(serial) else None


async def certificate_address(request: Request) -> Response:
    """What the QR code holds: on to the page in the reader's language. A forged one is led to the
    newest contest, whose page says so."""
    worker: Worker = request.state.worker
    serial, code = request.path_params["serial"], request.query_params.get("code", "")
    async with acquire(worker.read_pool) as connection:
        found = await _certificate(connection, serial, code)
    contests = {desk.contest.id: desk.contest for desk in worker.desks.values()}
    if not contests or not _SERIAL.fullmatch(serial):
        raise NotFound("there is no such certificate")
    contest = contests.get(found.contest_id) if found is not None else None
    contest = contest or max(contests.values(), key=lambda one: one.opens_at)
    language = language_of(request.headers.get("accept-language", "").encode())
    kept = code if re.fullmatch(r"[0-9a-f]{1,64}", code) else ""
    return RedirectResponse(
        f"/{language}/{contest.slug}/certificates/{serial}?code={kept}",
        302,
        {**SECURITY_HEADERS, "vary": "accept-language", "cache-control": "no-store"},
    )


async def published_result(request: Request) -> Response:
    """The signed document; 404 until the moment it is shown from."""
    worker: Worker = request.state.worker
    contest = worker.desk(request.path_params["slug"]).contest
    async with acquire(worker.read_pool) as connection:
        shown: Result | None = await shown_result(connection, contest.id, worker.clock())
    if shown is None:
        raise NotFound("the result of this contest has not been announced yet")
    prepared = Prepared.of(shown.document)
    headers: Mapping[str, str] = {
        "etag": prepared.etag,
        "cache-control": f"public, max-age={SHARED_SECONDS}",
        "vary": "Origin",
    }
    if matches(request.headers.get("if-none-match", "").encode(), prepared.etag.encode()):
        return Response(b"", 304, headers)
    return Response(shown.document, 200, headers, media_type="application/json")
