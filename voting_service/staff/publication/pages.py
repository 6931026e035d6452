"""What is looked at before and after publishing."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.accounts.model import Role
from voting_service.accounts.sessions import is_confirmed
from voting_service.contests.model import Contest, Text
from voting_service.cut.announcement.announcement import announcement
from voting_service.cut.correction import read_document
from voting_service.cut.examination import Examination, Publication, examine, load_publications
from voting_service.cut.safety import conclusion
from voting_service.cut.signature import sign
from voting_service.decisions.model import DECIDERS, Decision
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.cookies import language
from voting_service.desk.rendering import page
from voting_service.desk.state import Desk, contest_of, desk_of
from voting_service.errors import InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.staff.publication.line_picture import line_picture
from voting_service.storage.canonical import canonical
from voting_service.storage.database_clock import database_time
from voting_service.storage.postgres import AnyConnection
from voting_service.storage.signed_file import load_signing_key
from voting_service.tally.recount import RECOUNT_TIMEOUT_SECONDS

PREFIX = "/contests/{slug}/publication"
KINDS = frozenset({"publication", "tie_order", "lot"})
READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")
"""As for the tally: figures that are not out yet are for those who answer for them."""
NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_LATER = Text(zh="（提议时填写）", en="(given when it is proposed)")


async def cautious_now(desk: Desk, connection: AnyConnection) -> datetime:
    """The earlier of our clock and the database's, by which the vote path stops: a clock that is
    fast must not close a contest before its time."""
    return min(desk.clock(), await database_time(connection))


async def _examined(request: Request) -> tuple[Examination, datetime]:
    """With `?recount=yes` every ballot is counted afresh, else the kept figures are shown."""
    desk, contest = desk_of(request), contest_of(request)
    if request.query_params.get("recount") == "yes":
        async with desk.long_connection(RECOUNT_TIMEOUT_SECONDS) as connection:
            now = await cautious_now(desk, connection)
            return await examine(connection, contest, now), now
    async with desk.connection() as pooled:
        now = await cautious_now(desk, pooled)
        return await examine(pooled, contest, now, afresh=False), now


@signed_in(*READERS)
async def publication_page(request: Request) -> Response:
    """Checklist, safety of the line, what waits, and every version."""
    desk, contest, known = desk_of(request), contest_of(request), visitor(request)
    examination, now = await _examined(request)
    names = _names(contest, request)
    waiting = [
        (decision, _agrees(examination, decision, desk))
        for decision in examination.decisions
        if decision.kind in KINDS and decision.state == "waiting"
    ]
    counts_are_final = all(
        check.done
        for check in examination.checks
        if check.name not in ("recounted", "reconciled", "tie decided")
    )
    may_decide = known.account.role in DECIDERS
    return page(
        request,
        "publication/publication.html",
        contest=contest,
        examination=examination,
        conclusion=conclusion(examination.safety, closed=examination.closed),
        names=names,
        picture=line_picture(examination.safety, names),
        waiting=waiting,
        versions=[(one, read_document(one.document)) for one in reversed(examination.publications)],
        parsed=datetime.fromisoformat,
        digest=lambda document: sha256(document).hexdigest(),
        shown=lambda one: one.visible_at <= now,
        may_decide=may_decide,
        must_confirm=may_decide and not is_confirmed(known.session, desk.clock()),
        may_settle_tie=may_decide and counts_are_final and not examination.checks[-1].done,
        may_propose=may_decide
        and counts_are_final
        and examination.checks[-1].done
        and not any(agrees for _, agrees in waiting),
        has_news=_has_news(examination),
        suggested=_next_hour(now, contest),
        public_url=desk.settings.public_url.rstrip("/"),
        done=request.query_params.get("done", ""),
    )


def _names(contest: Contest, request: Request) -> dict[int, str]:
    chosen = language(request)
    return {candidate.number: getattr(candidate.name, chosen) for candidate in contest.candidates}


def _next_hour(now: datetime, contest: Contest) -> str:
    """As a form's field for a moment holds it."""
    local = (now + timedelta(hours=1)).astimezone(contest.zone)
    return local.strftime("%Y-%m-%dT%H:00")


def _has_news(examination: Examination) -> bool:
    """Whether the next version would say anything else than the published one."""
    try:
        examination.draft(None if examination.published is None else _LATER)
    except Refused:
        return False
    return True


def _agrees(examination: Examination, decision: Decision, desk: Desk) -> bool | None:
    """Whether the figures of now give exactly the proposed document; None for other decisions."""
    if decision.kind != "publication":
        return None
    stated = decision.payload.get("reason")
    reason = None if stated is None else msgspec.convert(stated, Text)
    try:
        key = load_signing_key(desk.settings.signing_key_file)
        document = sign(examination.draft(reason), key)
    except (InvalidInput, Refused):
        return False
    proposed: str = decision.payload["document_sha256"]
    return sha256(document).hexdigest() == proposed


@signed_in(*READERS)
async def preview_page(request: Request) -> Response:
    """The next version as the figures of now give it."""
    examination, _ = await _examined(request)
    published = examination.published
    document = examination.draft(None if published is None else _LATER)
    return page(
        request,
        "publication/preview.html",
        contest=examination.contest,
        document=document,
        complete=all(check.done for check in examination.checks),
        canonical=canonical(document.builtins()).decode(),
    )


@signed_in(*READERS)
async def facts(request: Request) -> Response:
    """The same for programs: checklist, safety report, versions."""
    examination, _ = await _examined(request)
    value: dict[str, Any] = {
        "contest": examination.contest.slug,
        "checks": [
            {"name": check.name, "done": check.done, "detail": check.detail}
            for check in examination.checks
        ],
        "safety": {
            "certifiable": examination.closed and examination.safety.certifiable,
            "conclusion": conclusion(examination.safety, closed=examination.closed),
            **examination.safety._asdict(),
            "pairs": [pair._asdict() for pair in examination.safety.pairs],
            "neighbours": [row._asdict() for row in examination.safety.neighbours],
            "standings": [row._asdict() for row in examination.safety.standings],
        },
        "versions": [
            {
                "version": one.version,
                "published_at": one.published_at,
                "visible_at": one.visible_at,
                "document_sha256": sha256(one.document).hexdigest(),
            }
            for one in examination.publications
        ],
    }
    return Response(msgspec.json.encode(value), 200, NO_STORE, media_type="application/json")


async def _version(request: Request, what: str) -> Publication:
    """The version of the path, and a line in the journal about who took it. Raises NotFound."""
    desk, contest = desk_of(request), contest_of(request)
    wanted = request.path_params["version"]
    async with desk.connection() as connection, connection.transaction():
        for one in await load_publications(connection, contest.id):
            if one.version == wanted:
                await record(
                    connection,
                    visitor(request).account.name,
                    "exported",
                    contest=contest.slug,
                    subject=f"version {one.version}, {what}",
                    details={"document_sha256": sha256(one.document).hexdigest()},
                )
                return one
    raise NotFound(f"version {wanted} of the cut of {contest.slug} was not published")


@signed_in(*READERS)
async def signed_document(request: Request) -> Response:
    """The signed bytes of a version, shown to the public already or not."""
    one = await _version(request, "signed document")
    name = f"{contest_of(request).slug}-cut-{one.version}.json"
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{name}"'}
    return Response(one.document, 200, headers, media_type="application/json")


@signed_in(*READERS)
async def printed_announcement(request: Request) -> Response:
    """The announcement of a version as a PDF, in the reader's language."""
    one = await _version(request, "announcement")
    chosen = language(request)
    body = await asyncio.to_thread(announcement, one.document, chosen)
    name = f"{contest_of(request).slug}-cut-{one.version}-{chosen}.pdf"
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{name}"'}
    return Response(body, 200, headers, media_type="application/pdf")


ROUTES = [
    Route(PREFIX, publication_page),
    Route(f"{PREFIX}.json", facts),
    Route(f"{PREFIX}/preview", preview_page),
    Route(f"{PREFIX}/versions/{{version:int}}.json", signed_document),
    Route(f"{PREFIX}/versions/{{version:int}}.pdf", printed_announcement),
]
