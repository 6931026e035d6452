"""Documents that take time to render: enqueued, rendered in the background, kept for download.

Each is rendered from the data of its start; its progress is stored with the job, so that any
process can show it. A job whose process ended is shown as interrupted and is started again by
hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, get_args

import msgspec
import structlog

from voting_service.errors import NotFound, VotingError
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.infrastructure.typesetting.compiler import in_background
from voting_service.nomination.awards.album_contents import build_album
from voting_service.nomination.awards.document_data import (
    QUERIES,
    build_certificates,
    build_summary,
)
from voting_service.nomination.documents.album import render_album, too_coarse_for_print
from voting_service.nomination.documents.certificate import render_certificates
from voting_service.nomination.documents.photos import PRINT_DPI
from voting_service.nomination.documents.summary_report import render_summary_report
from voting_service.nomination.model import Selection
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.panel.outcome import load_panel_outcome
from voting_service.nomination.panel.repository import load_panel
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.settings import Settings
from voting_service.staff.actor import Actor

DocumentKind = Literal["certificates", "album_print", "album_web", "report"]
DOCUMENT_KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)
STEPS = 3
"""Data loaded, rendered, stored."""
INTERRUPTED_AFTER = timedelta(minutes=10)

log = structlog.get_logger()

Render = Callable[[], bytes]
Prepared = tuple[Render, Text | None]
"""The rendering, and a remark for the person who requested it."""


class Renderer(NamedTuple):
    """What rendering needs from the process it runs in."""

    database: Database
    settings: Settings
    clock: Clock


class RenderJob(msgspec.Struct, frozen=True):
    """A requested document; `requested_by` is an account's name."""

    id: int
    kind: str
    language: Language
    requested_by: str
    requested_at: datetime
    steps: int
    steps_done: int
    finished_at: datetime | None
    failure: Text | None
    remark: Text | None

    def state(self, now: datetime) -> Literal["working", "finished", "failed", "interrupted"]:
        """Return the state at `now`."""
        if self.finished_at is not None:
            return "finished" if self.failure is None else "failed"
        return "working" if now < self.requested_at + INTERRUPTED_AFTER else "interrupted"


class RenderedDocument(NamedTuple):
    """A finished document, a PDF; `result_version` is the version of the result it shows."""

    kind: str
    language: Language
    content: bytes
    result_version: int | None


class DocumentRequest(NamedTuple):
    """Which document to render, and the job that it belongs to."""

    job_id: int
    kind: DocumentKind
    language: Language


async def load_render_jobs(
    connection: AnyConnection, selection: Selection
) -> tuple[RenderJob, ...]:
    """Load the newest jobs, newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["render_jobs"], selection.id)
    return tuple(msgspec.convert(dict(row), RenderJob) for row in rows)


async def load_rendered_document(
    connection: AnyConnection, selection: Selection, job_id: int
) -> RenderedDocument:
    """Load the document of a finished job. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["rendered_document"], selection.id, job_id)
    if row is None:
        raise NotFound("nomination.awards.no_such_document")
    return RenderedDocument(row["kind"], row["language"], row["content"], row["result_version"])


async def enqueue(
    actor: Actor, selection: Selection, kind: DocumentKind, language: Language
) -> DocumentRequest:
    """Store a job and return what `render` needs for it."""
    with domain_errors():
        job_id: int = await actor.connection.fetchval(
            QUERIES["insert_render_job"],
            selection.id,
            kind,
            language,
            actor.account.id,
            actor.now,
            STEPS,
        )
    return DocumentRequest(job_id, kind, language)


async def render(renderer: Renderer, selection: Selection, request: DocumentRequest) -> None:
    """Render a document and store it, its progress, or why it failed, with its job."""
    job_id = request.job_id
    try:
        # One snapshot: the stored version of the result is the one that was loaded.
        async with (
            renderer.database.connection() as connection,
            connection.transaction(isolation="repeatable_read"),
        ):
            panel = await load_panel(connection, selection, renderer.clock())
            prepare = _PREPARATIONS[request.kind]
            render_pdf, remark = await prepare(connection, renderer, panel, request.language)
            await connection.execute(
                QUERIES["render_data_loaded"], job_id, msgspec.to_builtins(remark)
            )
        content = await in_background(render_pdf)
        async with renderer.database.connection() as connection:
            await connection.execute(QUERIES["render_progress"], job_id, 2)
        await _finish(renderer, job_id, content, None)
    except VotingError as error:
        await _finish(renderer, job_id, None, Text(error.text("zh"), error.text("en")))
    except Exception:
        log.exception("document not rendered", job=job_id, kind=request.kind)
        await _finish(renderer, job_id, None, load_text("awards", "documents.failed"))


async def _finish(
    renderer: Renderer, job_id: int, content: bytes | None, failure: Text | None
) -> None:
    """Store the outcome. An album for print may be large, so the statement gets more time."""
    async with renderer.database.long_connection(60) as connection:
        stated = None if failure is None else msgspec.to_builtins(failure)
        await connection.execute(
            QUERIES["finish_render_job"], job_id, content, stated, renderer.clock()
        )


async def _certificates(
    connection: AnyConnection, renderer: Renderer, panel: Panel, _language: Language
) -> Prepared:
    batch = await build_certificates(connection, panel, renderer.settings.public_url)
    return lambda: render_certificates(batch), None


async def _album_for_print(
    connection: AnyConnection, renderer: Renderer, panel: Panel, language: Language
) -> Prepared:
    contents = await build_album(connection, PersonalKeys.of(renderer.settings), panel)
    coarse = await asyncio.to_thread(too_coarse_for_print, contents)
    return lambda: render_album(contents, language, for_print=True), _coarse_pictures(coarse)


def _coarse_pictures(coarse: Mapping[str, int]) -> Text | None:
    if not coarse:
        return None
    names = [f"{name} ({dots} dpi)" for name, dots in coarse.items()]
    return load_text(
        "awards",
        "documents.coarse_pictures",
        dpi=PRINT_DPI,
        names=Text(zh="\u3001".join(names), en=", ".join(names)),
    )


async def _album_for_web(
    connection: AnyConnection, renderer: Renderer, panel: Panel, language: Language
) -> Prepared:
    contents = await build_album(connection, PersonalKeys.of(renderer.settings), panel)
    return lambda: render_album(contents, language, for_print=False), None


async def _report(
    connection: AnyConnection, renderer: Renderer, panel: Panel, language: Language
) -> Prepared:
    outcome = await load_panel_outcome(connection, panel)
    summary = await build_summary(connection, PersonalKeys.of(renderer.settings), panel, outcome)
    return lambda: render_summary_report(summary, language), None


_PREPARATIONS: Mapping[
    DocumentKind, Callable[[AnyConnection, Renderer, Panel, Language], Awaitable[Prepared]]
] = {
    "certificates": _certificates,
    "album_print": _album_for_print,
    "album_web": _album_for_web,
    "report": _report,
}
