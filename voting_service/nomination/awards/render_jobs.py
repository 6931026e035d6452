"""Documents that take time to render: background jobs, whose results are kept for download.

Each is rendered from the data of its start; its progress is stored with the job, so that any
process can show it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from voting_service.errors import NotFound
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.infrastructure.typesetting.compiler import in_background
from voting_service.infrastructure.typesetting.glyph_coverage import handwritten
from voting_service.nomination.awards.album_contents import build_album
from voting_service.nomination.awards.announcement import build_announcement
from voting_service.nomination.awards.document_data import (
    QUERIES,
    build_certificates,
    build_summary,
)
from voting_service.nomination.awards.report_texts import draft_report_texts, load_report_texts
from voting_service.nomination.awards.signing import load_signer, pack, signing
from voting_service.nomination.documents.album import render_album, too_coarse_for_print
from voting_service.nomination.documents.certificate import (
    Certificate,
    render_certificates,
    split_pages,
)
from voting_service.nomination.documents.notice_list import render_notice_list
from voting_service.nomination.documents.photos import PRINT_DPI
from voting_service.nomination.documents.summary_report import render_summary_report
from voting_service.nomination.model import Selection
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.panel.outcome import load_panel_outcome
from voting_service.nomination.panel.repository import load_panel
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.repository import load_selection
from voting_service.staff.actor import Actor
from voting_service.staff.jobs.model import (
    Attempt,
    Job,
    JobContext,
    QueueStatus,
    StoredJob,
    job_key,
    register,
)
from voting_service.staff.jobs.queue import enqueue, load_queue

DocumentKind = Literal[
    "announcement", "certificates", "certificate_files", "album_print", "album_web", "report"
]
DOCUMENT_KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)
AFTER_OBJECTIONS: tuple[DocumentKind, ...] = ("certificates", "certificate_files")
"""What is made once nobody may object to the result any more."""
STEPS = 3
"""Data loaded, rendered, stored."""
JOB_KIND = "document"
SHOWN_JOBS = 30

Render = Callable[[], bytes]
Prepared = tuple[Render, Text | None]
"""The rendering, and a remark for the person who requested it."""
RenderJobState = Literal["working", "finished", "failed", "interrupted"]


class RenderJob(StoredJob, frozen=True, kw_only=True):
    """A requested document."""

    kind: str
    language: Language
    remark: Text | None

    def state(self, queue: Mapping[str, QueueStatus]) -> RenderJobState:
        """Return the state, given the jobs in the queue; a job that waits is working as well."""
        if self.finished_at is not None:
            return "finished" if self.failure is None else "failed"
        return "working" if job_key(JOB_KIND, self.id) in queue else "interrupted"

    def as_job(self, selection_title: Text) -> Job:
        """Return what is the same for jobs of every kind."""
        title = load_text(
            "awards",
            f"documents.job.{self.language}",
            document=load_text("awards", f"documents.kinds.{self.kind}"),
            selection=selection_title,
        )
        return Job.of(JOB_KIND, title, self)


class RenderedDocument(NamedTuple):
    """A finished document, a PDF or a ZIP archive of them; `result_version` is the version of the
    result it shows."""

    kind: str
    language: Language
    content: bytes
    result_version: int | None

    @property
    def suffix(self) -> str:
        return file_suffix(self.kind)


def file_suffix(kind: str) -> str:
    """Return how the name of a document's file ends."""
    return "zip" if kind == "certificate_files" else "pdf"


class DocumentRequest(msgspec.Struct, frozen=True):
    """Which document to render, of which selection."""

    selection: str
    kind: DocumentKind
    language: Language


async def load_render_jobs(
    connection: AnyConnection, selection: Selection
) -> list[tuple[RenderJob, RenderJobState]]:
    """Load the newest jobs of a selection with their states, newest first."""
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(QUERIES["render_jobs"], selection.id, SHOWN_JOBS)
            queue = await load_queue(connection)
    jobs = [msgspec.convert(dict(row), RenderJob) for row in rows]
    return [(job, job.state(queue)) for job in jobs]


async def load_rendered_document(
    connection: AnyConnection, selection: Selection, job_id: int
) -> RenderedDocument:
    """Load the document of a finished job. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["rendered_document"], selection.id, job_id)
    if row is None:
        raise NotFound("nomination.awards.no_such_document")
    return RenderedDocument(row["kind"], row["language"], row["content"], row["result_version"])


async def request_document(
    actor: Actor, selection: Selection, kind: DocumentKind, language: Language
) -> int:
    """Store a job, put it into the queue, and return its number."""
    connection = actor.connection
    with domain_errors():
        async with connection.transaction():
            job_id: int = await connection.fetchval(
                QUERIES["insert_render_job"],
                selection.id,
                kind,
                language,
                actor.account.id,
                actor.now,
                STEPS,
            )
            await enqueue(connection, JOB_KIND, job_id)
    return job_id


class DocumentJobs:
    """The kind of job that renders a document."""

    name = JOB_KIND
    time_limit_seconds = 300.0
    """Loading the pictures of an album, waiting for a free place among the documents that are being
    typeset, and storing the album may take a minute each."""

    async def begin(self, context: JobContext, job_id: int) -> Attempt | None:
        async with context.database.connection() as connection:
            row = await connection.fetchrow(QUERIES["begin_render_job"], job_id)
        return None if row is None else Attempt(**row)

    async def run(self, context: JobContext, attempt: Attempt) -> None:
        # One snapshot: the stored version of the result is the one that was loaded.
        async with (
            context.database.connection() as connection,
            connection.transaction(isolation="repeatable_read"),
        ):
            row = await connection.fetchrow(QUERIES["render_request"], attempt.job_id)
            request = msgspec.convert(dict(row or {}), DocumentRequest)
            selection = await load_selection(connection, request.selection)
            panel = await load_panel(connection, selection, context.clock())
            prepare = _PREPARATIONS[request.kind]
            render_pdf, remark = await prepare(connection, context, panel, request.language)
            stated = msgspec.to_builtins(remark)
            await connection.execute(
                QUERIES["render_data_loaded"], attempt.job_id, attempt.number, stated
            )
        content = await in_background(render_pdf)
        async with context.database.connection() as connection:
            await connection.execute(QUERIES["render_progress"], attempt.job_id, attempt.number, 2)
        await self._finish(context, attempt, content, None)

    async def fail(self, context: JobContext, attempt: Attempt, failure: Text | None) -> None:
        failure = failure or load_text("awards", "documents.failed")
        await self._finish(context, attempt, None, failure)

    async def _finish(
        self, context: JobContext, attempt: Attempt, content: bytes | None, failure: Text | None
    ) -> None:
        """Store the outcome. An album for print may be large, so the statement gets more time."""
        async with context.database.long_connection(60) as connection:
            stated = msgspec.to_builtins(failure)
            await connection.execute(
                QUERIES["finish_render_job"],
                attempt.job_id,
                attempt.number,
                content,
                stated,
                context.clock(),
            )

    async def load_newest(self, connection: AnyConnection, limit: int) -> Sequence[Job]:
        with domain_errors():
            rows = await connection.fetch(QUERIES["render_jobs"], None, limit)
        return [
            msgspec.convert(dict(row), RenderJob).as_job(
                msgspec.convert(row["selection_title"], Text)
            )
            for row in rows
        ]

    async def reset(self, connection: AnyConnection, job_id: int) -> bool:
        with domain_errors():
            return await connection.fetchval(QUERIES["reset_render_job"], job_id) is not None


DOCUMENT_JOBS = DocumentJobs()
register(DOCUMENT_JOBS)


async def _certificates(
    connection: AnyConnection, context: JobContext, panel: Panel, language: Language
) -> Prepared:
    """All in one file, for printing. A reader shows the signature on the first page."""
    now = context.clock()
    batch = await build_certificates(connection, panel, context.settings.public_url, now)
    signer = load_signer(context.settings, now)
    sign = signing(signer, now.astimezone(panel.selection.zone), language, printed=False)
    return lambda: sign(render_certificates(batch, language)), _certificate_remark(batch, language)


async def _certificate_files(
    connection: AnyConnection, context: JobContext, panel: Panel, language: Language
) -> Prepared:
    """A file for each, signed on its own, to be sent to the person."""
    now = context.clock()
    batch = await build_certificates(connection, panel, context.settings.public_url, now)
    sign = signing(
        load_signer(context.settings, now), now.astimezone(panel.selection.zone), language
    )

    def make() -> bytes:
        pages = split_pages(render_certificates(batch, language))
        return pack(
            {
                f"{certificate.number}.pdf": sign(page)
                for certificate, page in zip(batch, pages, strict=True)
            }
        )

    return make, _certificate_remark(batch, language)


def _certificate_remark(batch: Sequence[Certificate], language: Language) -> Text | None:
    return _remark(batch, _without_english(batch, language))


def _without_english(batch: Sequence[Certificate], language: Language) -> Text | None:
    names = [name.zh for certificate in batch if (name := certificate.name).en in ("", name.zh)]
    if language == "zh" or not names:
        return None
    return load_text("awards", "documents.without_english", names=_listed(names))


async def _announcement(
    connection: AnyConnection, context: JobContext, panel: Panel, language: Language
) -> Prepared:
    now = context.clock()
    keys = PersonalKeys.of(context.settings)
    listed = await build_announcement(connection, keys, panel, now)
    sign = signing(
        load_signer(context.settings, now), now.astimezone(panel.selection.zone), language
    )
    return lambda: sign(render_notice_list(listed, language)), _remark(listed)


async def _album_for_print(
    connection: AnyConnection, context: JobContext, panel: Panel, language: Language
) -> Prepared:
    contents = await build_album(connection, PersonalKeys.of(context.settings), panel)
    coarse = await asyncio.to_thread(too_coarse_for_print, contents)
    return lambda: render_album(contents, language, for_print=True), _remark(
        contents, _coarse_pictures(coarse)
    )


def _coarse_pictures(coarse: Mapping[str, int]) -> Text | None:
    if not coarse:
        return None
    names = [f"{name} ({dots} dpi)" for name, dots in coarse.items()]
    return load_text("awards", "documents.coarse_pictures", dpi=PRINT_DPI, names=_listed(names))


def _remark(contents: Any, *others: Text | None) -> Text | None:
    """Return what to know about a document: the characters to be written in by hand, and what
    `others` say."""
    remarks = [text for text in others if text is not None]
    if by_hand := handwritten(contents):
        remarks.insert(0, load_text("awards", "documents.by_hand", characters=" ".join(by_hand)))
    if not remarks:
        return None
    return Text("".join(text.zh for text in remarks), " ".join(text.en for text in remarks))


def _listed(names: Sequence[str]) -> Text:
    return Text(zh="\u3001".join(names), en=", ".join(names))


async def _album_for_web(
    connection: AnyConnection, context: JobContext, panel: Panel, language: Language
) -> Prepared:
    contents = await build_album(connection, PersonalKeys.of(context.settings), panel)
    return lambda: render_album(contents, language, for_print=False), _remark(contents)


async def _report(
    connection: AnyConnection, context: JobContext, panel: Panel, language: Language
) -> Prepared:
    outcome = await load_panel_outcome(connection, panel)
    summary = await build_summary(connection, PersonalKeys.of(context.settings), panel, outcome)
    saved = await load_report_texts(connection, panel.selection)
    texts = saved or draft_report_texts(panel.selection, summary)
    summary = msgspec.structs.replace(summary, texts=texts.sections)
    return lambda: render_summary_report(summary, language), _remark(summary)


_PREPARATIONS: Mapping[
    DocumentKind, Callable[[AnyConnection, JobContext, Panel, Language], Awaitable[Prepared]]
] = {
    "announcement": _announcement,
    "certificates": _certificates,
    "certificate_files": _certificate_files,
    "album_print": _album_for_print,
    "album_web": _album_for_web,
    "report": _report,
}
