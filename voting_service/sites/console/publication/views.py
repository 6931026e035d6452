"""Pages and downloads of the publication."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.model import Contest
from voting_service.errors import (
    InvalidInput,
    Refused,
)
from voting_service.i18n.catalogues import load_catalogue, load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.canonical_json import canonical
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.publication.line_chart import line_picture
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import (
    StaffState,
    get_state,
)
from voting_service.staff.accounts.model import Role
from voting_service.staff.accounts.sessions import is_confirmed
from voting_service.staff.approvals.model import DECIDERS, ApprovalRequest
from voting_service.voting.cut.announcement.announcement import announcement
from voting_service.voting.cut.correction import read_document
from voting_service.voting.cut.examination import (
    Examination,
    Publication,
    examine,
)
from voting_service.voting.cut.publication import CUT_KINDS, export_version
from voting_service.voting.cut.safety import conclusion
from voting_service.voting.cut.signature import sign
from voting_service.voting.tally.recount import RECOUNT_TIMEOUT_SECONDS

PREFIX = "/contests/{slug}/publication"
READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")
"""Roles that may see counts before the public does."""
NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_LATER = load_text("publication", "preview.reason_later")


async def conservative_now(state: StaffState, connection: AnyConnection) -> datetime:
    """Return the earlier of our clock and the database's, which the vote path uses: a fast clock
    must not close a contest early."""
    return min(state.clock(), await database_time(connection))


async def _examined(request: Request) -> tuple[Examination, datetime]:
    """Return the examination; `?recount=yes` recounts all ballots, else kept counts are used."""
    state, contest = get_state(request), contest_from_path(request)
    if request.query_params.get("recount") == "yes":
        async with state.long_connection(RECOUNT_TIMEOUT_SECONDS) as connection:
            now = await conservative_now(state, connection)
            return await examine(connection, contest, now), now
    async with state.connection() as pooled:
        now = await conservative_now(state, pooled)
        return await examine(pooled, contest, now, afresh=False), now


@signed_in(*READERS)
async def publication_page(request: Request) -> Response:
    """Show the checklist, the certainty of the cut, what is waiting, and every version."""
    state, contest, user = get_state(request), contest_from_path(request), current_user(request)
    examination, now = await _examined(request)
    names = _names(contest, request)
    waiting = [
        (approval, _agrees(examination, approval, state))
        for approval in examination.decisions
        if approval.kind in CUT_KINDS and approval.state == "waiting" and approval.is_readable
    ]
    counts_are_final = all(
        check.done
        for check in examination.checks
        if check.name not in ("recounted", "reconciled", "tie decided")
    )
    may_decide = user.account.role in DECIDERS
    return page(
        request,
        "publication/publication.html",
        contest=contest,
        examination=examination,
        conclusion=conclusion(examination.safety, closed=examination.closed),
        names=names,
        picture=line_picture(examination.safety, names),
        waiting=waiting,
        versions=[
            (version, read_document(version.document))
            for version in reversed(examination.publications)
        ],
        parsed=datetime.fromisoformat,
        digest=lambda document: sha256(document).hexdigest(),
        shown=lambda version: version.visible_at <= now,
        may_decide=may_decide,
        must_confirm=may_decide and not is_confirmed(user.session, state.clock()),
        may_resolve_tie=may_decide and counts_are_final and not examination.checks[-1].done,
        may_propose=may_decide
        and counts_are_final
        and examination.checks[-1].done
        and not any(agrees for _, agrees in waiting),
        has_news=_has_news(examination),
        suggested=_next_hour(now, contest),
        public_url=state.settings.public_url.rstrip("/"),
    )


def _names(contest: Contest, request: Request) -> dict[int, str]:
    chosen = language(request)
    return {candidate.number: getattr(candidate.name, chosen) for candidate in contest.candidates}


def _next_hour(now: datetime, contest: Contest) -> str:
    """Return the next full hour as a form field holds it."""
    local = (now + timedelta(hours=1)).astimezone(contest.zone)
    return local.strftime("%Y-%m-%dT%H:00")


def _has_news(examination: Examination) -> bool:
    """Return whether the next version would differ from the published one."""
    try:
        examination.draft(None if examination.published is None else _LATER)
    except Refused:
        return False
    return True


def _agrees(examination: Examination, approval: ApprovalRequest, state: StaffState) -> bool | None:
    """Return whether the current count gives exactly the proposed document; None for other
    requests."""
    if approval.kind != "publication":
        return None
    stated = approval.payload.get("reason")
    reason = None if stated is None else msgspec.convert(stated, Text)
    try:
        key = load_signing_key(state.settings.signing_key_file)
        document = sign(examination.draft(reason), key)
    except (InvalidInput, Refused):
        return False
    proposed: str = approval.payload["document_sha256"]
    return sha256(document).hexdigest() == proposed


@signed_in(*READERS)
async def preview_page(request: Request) -> Response:
    """Show the next version as the current count gives it."""
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
    """Return checklist, certainty report and versions as JSON."""
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
                "version": publication.version,
                "published_at": publication.published_at,
                "visible_at": publication.visible_at,
                "document_sha256": sha256(publication.document).hexdigest(),
            }
            for publication in examination.publications
        ],
    }
    return Response(msgspec.json.encode(value), 200, NO_STORE, media_type="application/json")


async def _version(request: Request, form: str) -> Publication:
    """Return the version named in the address, recorded as an export. Raises NotFound."""
    async with get_state(request).connection() as connection:
        return await export_version(
            connection,
            contest_from_path(request),
            current_user(request).account,
            request.path_params["version"],
            form,
        )


@signed_in(*READERS)
async def signed_document(request: Request) -> Response:
    """Return the signed bytes of a version, public or not."""
    version = await _version(request, "signed document")
    headers = {**NO_STORE, "content-disposition": _file_name(request, version, "json")}
    return Response(version.document, 200, headers, media_type="application/json")


@signed_in(*READERS)
async def printed_announcement(request: Request) -> Response:
    """Return the announcement of a version as PDF, in the reader's language."""
    version = await _version(request, "announcement")
    chosen = language(request)
    body = await asyncio.to_thread(announcement, version.document, chosen)
    headers = {**NO_STORE, "content-disposition": _file_name(request, version, "pdf")}
    return Response(body, 200, headers, media_type="application/pdf")


def _file_name(request: Request, version: Publication, suffix: str) -> str:
    names = load_catalogue("publication", language(request))["file_names"]
    slug = contest_from_path(request).slug
    return content_disposition(f"{names[suffix]}-{slug}-{version.version}.{suffix}")


ROUTES = [
    Route(PREFIX, publication_page),
    Route(f"{PREFIX}.json", facts),
    Route(f"{PREFIX}/preview", preview_page),
    Route(f"{PREFIX}/versions/{{version:int}}.json", signed_document),
    Route(f"{PREFIX}/versions/{{version:int}}.pdf", printed_announcement),
]
