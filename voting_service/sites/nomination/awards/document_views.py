"""Certificates and their serial numbers; album, report and minutes as PDF."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.infrastructure.typesetting.glyph_coverage import handwritten
from voting_service.nomination.awards import document_service
from voting_service.nomination.awards.minutes_data import Meeting
from voting_service.nomination.awards.published_result import (
    album_languages,
    load_certificates,
    load_results,
)
from voting_service.nomination.awards.render_jobs import (
    AFTER_OBJECTIONS,
    DOCUMENT_KINDS,
    DocumentKind,
    file_suffix,
    load_render_jobs,
)
from voting_service.nomination.documents.minutes import minutes_record
from voting_service.nomination.model import READERS, REVIEWERS
from voting_service.nomination.panel.outcome import load_panel_outcome
from voting_service.sites.nomination.context import requested_selection
from voting_service.sites.nomination.panel.context import (
    candidate_names,
    requested_panel,
)
from voting_service.sites.nomination.panel.record_files import read_suffix, record_response
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language as reader_language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

DOCUMENTS = "/selections/{slug}/documents"
MAX_FIELD_CHARACTERS = 60


def _redirect(request: Request) -> Response:
    return RedirectResponse(DOCUMENTS.replace("{slug}", request.path_params["slug"]), 303)


def _file(content: bytes, name: str) -> Response:
    headers = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-disposition": content_disposition(name),
    }
    kind = "zip" if name.endswith(".zip") else "pdf"
    return Response(content, 200, headers, media_type=f"application/{kind}")


@signed_in(*READERS)
async def documents_page(request: Request) -> Response:
    """The certificates with their serial numbers, and the rendered documents."""
    state = get_state(request)
    now = state.clock()
    async with state.connection() as connection:
        panel = await requested_panel(request, connection)
        jobs = await load_render_jobs(connection, panel.selection)
        contest_id = 0 if panel.contest is None else panel.contest.id
        results = await load_results(connection, contest_id)
        certificates = await load_certificates(connection, contest_id)
        public = [result.version for result in results if result.visible_at <= now]
        outcome = await load_panel_outcome(connection, panel)
        albums = (
            await album_languages(connection, contest_id, public[-1]) if public else frozenset()
        )
    document = results[-1].read() if results else None
    names = candidate_names(panel)
    is_final = document is not None and document.objections_end <= now
    numbered = {(certificate.number, certificate.award) for certificate in certificates}
    return page(
        request,
        "awards/documents.html",
        selection=panel.selection,
        document=document,
        certificates=certificates,
        all_numbered=document is not None
        and all((a.number, document.find_award(a.number)) in numbered for a in document.awarded),
        names=names,
        by_hand=handwritten(list(names.values())),
        jobs=jobs,
        kinds=[kind for kind in DOCUMENT_KINDS if is_final or kind not in AFTER_OBJECTIONS],
        is_final=is_final,
        is_decided=outcome is not None and outcome.order is not None,
        suffix=file_suffix,
        is_signed=state.settings.document_signing_key_file is not None,
        albums=albums,
        chair="" if panel.chair is None else panel.chair.name,
        may_render=current_user(request).account.role in REVIEWERS,
        public_url=state.settings.public_url.rstrip("/"),
    )


@signed_in(*READERS)
async def progress(request: Request) -> Response:
    """State and finished steps of every job, for the page's script."""
    async with get_state(request).connection() as connection:
        selection = await requested_selection(request, connection)
        jobs = await load_render_jobs(connection, selection)
    states = {str(job.id): [job_state, job.steps_done] for job, job_state in jobs}
    return JSONResponse(states, headers={"cache-control": "no-store"})


@signed_in(*REVIEWERS, step_up=True)
async def issue_certificates(request: Request) -> Response:
    """Give everybody in the result a certificate number and code."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        await document_service.issue_certificates(current_actor(request, connection), panel)
    return _redirect(request)


@signed_in(*REVIEWERS)
async def start(request: Request) -> Response:
    """Request a document; it is rendered in the background."""
    form = await read_form(request)
    kind, language = _read_kind(form), _read_language(form)
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        actor = current_actor(request, connection)
        await document_service.request(actor, panel, kind, language)
    return _redirect(request)


def _read_kind(form: Mapping[str, str]) -> DocumentKind:
    for kind in DOCUMENT_KINDS:
        if kind == form.get("kind"):
            return kind
    raise InvalidInput(Fault("kind", "sites.nomination.awards.choose_document"))


def _read_language(form: Mapping[str, str]) -> Language:
    for language in LANGUAGES:
        if language == form.get("language"):
            return language
    raise InvalidInput(Fault("language", "sites.nomination.awards.choose_language"))


@signed_in(*READERS)
async def download(request: Request) -> Response:
    """A rendered document; each download is recorded in the audit log."""
    async with get_state(request).connection() as connection:
        selection = await requested_selection(request, connection)
        actor, job_id = current_actor(request, connection), request.path_params["document"]
        document = await document_service.export_document(actor, selection, job_id)
    name = _file_name(request, document.kind, selection.slug, document.language)
    return _file(document.content, f"{name}.{document.suffix}")


@signed_in(*REVIEWERS, step_up=True)
async def publish_album(request: Request) -> Response:
    """Publish a web album on the public site, as long as its result is public."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        actor, job_id = current_actor(request, connection), request.path_params["document"]
        await document_service.publish_album(actor, panel, job_id)
    return _redirect(request)


@signed_in(*REVIEWERS)
async def minutes(request: Request) -> Response:
    """The minutes of the panel, in the format of the button that was pressed."""
    form = await read_form(request)
    meeting, suffix = _read_meeting(form), read_suffix(form.get("format", "pdf"))
    language = reader_language(request)
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        actor = current_actor(request, connection)
        contents = await document_service.export_minutes(actor, panel, meeting, language)
    name = _file_name(request, "minutes", panel.selection.slug, language)
    return await record_response(minutes_record(contents, language), language, suffix, name)


def _file_name(request: Request, kind: str, slug: str, of: Language) -> str:
    """Return what a file is called, without its suffix."""
    kinds = load_catalogue("awards", reader_language(request))["documents"]["kinds"]
    return f"{kinds[kind]}-{slug}-{of}"


def _read_meeting(form: Mapping[str, str]) -> Meeting:
    meeting = Meeting(*(form.get(name, "").strip() for name in Meeting._fields))
    faults = [
        Fault(name, "sites.nomination.awards.field_length", limit=MAX_FIELD_CHARACTERS)
        for name, text in meeting._asdict().items()
        if not 1 <= len(text) <= MAX_FIELD_CHARACTERS or not text.isprintable()
    ]
    if faults:
        raise InvalidInput(*faults)
    return meeting


ROUTES = [
    Route(DOCUMENTS, documents_page),
    Route(DOCUMENTS, start, methods=["POST"]),
    Route(f"{DOCUMENTS}/progress.json", progress),
    Route(f"{DOCUMENTS}/certificates", issue_certificates, methods=["POST"]),
    Route(f"{DOCUMENTS}/minutes", minutes, methods=["POST"]),
    Route(f"{DOCUMENTS}/{{document:int}}.pdf", download),
    Route(f"{DOCUMENTS}/{{document:int}}.zip", download),
    Route(f"{DOCUMENTS}/{{document:int}}/online", publish_album, methods=["POST"]),
]
