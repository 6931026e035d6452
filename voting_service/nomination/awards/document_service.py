"""What staff do about documents: issue certificates, export, publish an album.

Every function opens its transaction and writes the audit log.
"""

from __future__ import annotations

from voting_service.errors import NotFound, Refused
from voting_service.i18n.text import Language
from voting_service.nomination.awards.document_data import load_newest_result, require_final
from voting_service.nomination.awards.minutes_data import Meeting, build_minutes, score_record
from voting_service.nomination.awards.published_result import (
    PublishedAlbum,
    number_certificates,
    save_album,
)
from voting_service.nomination.awards.render_jobs import (
    AFTER_OBJECTIONS,
    DocumentKind,
    RenderedDocument,
    load_rendered_document,
    request_document,
)
from voting_service.nomination.documents.minutes import PanelMinutes
from voting_service.nomination.documents.record import Record
from voting_service.nomination.model import Selection
from voting_service.nomination.panel.model import BALLOT, Panel
from voting_service.nomination.panel.outcome import load_panel_outcome
from voting_service.nomination.panel.scores_export import counted_sheets, points_by_candidate
from voting_service.staff.actor import Actor


async def issue_certificates(actor: Actor, panel: Panel) -> None:
    """Give a serial number and a code to everybody in the newest result who has none for their
    award. Raises Refused before there is a result, during its objection period, and while an
    objection to it has no answer."""
    connection = actor.connection
    async with connection.transaction():
        contest, _, document = await load_newest_result(connection, panel)
        require_final(panel, document, actor.now)
        awarded = [
            (person.number, award)
            for person in document.awarded
            if (award := document.find_award(person.number)) is not None
        ]
        year = panel.selection.year
        issued = await number_certificates(connection, contest.id, awarded, year, actor.now)
        await actor.record(
            "certificates_issued",
            panel.selection.slug,
            f"{len(issued)} certificates",
            serials=[certificate.serial for certificate in issued],
        )


async def request(actor: Actor, panel: Panel, kind: DocumentKind, language: Language) -> int:
    """Request a document, which is rendered in the background, and return the job's number. Raises
    Refused for certificates before the objection period is over."""
    if kind in AFTER_OBJECTIONS:
        _, _, document = await load_newest_result(actor.connection, panel)
        require_final(panel, document, actor.now)
    return await request_document(actor, panel.selection, kind, language)


async def export_document(actor: Actor, selection: Selection, job_id: int) -> RenderedDocument:
    """Load a rendered document; the export is recorded in the audit log. Raises NotFound."""
    async with actor.connection.transaction():
        document = await load_rendered_document(actor.connection, selection, job_id)
        await actor.record(
            "exported", selection.slug, f"document {job_id}: {document.kind}, {document.language}"
        )
    return document


async def publish_album(actor: Actor, panel: Panel, job_id: int) -> None:
    """Publish a web album, as long as the result that it was made from is public. Raises NotFound
    for any other document, and Refused before there is a result."""
    connection = actor.connection
    async with connection.transaction():
        contest, _, _ = await load_newest_result(connection, panel)
        document = await load_rendered_document(connection, panel.selection, job_id)
        if document.kind != "album_web" or document.result_version is None:
            raise NotFound("nomination.awards.not_a_web_album")
        album = PublishedAlbum(
            language=document.language,
            version=document.result_version,
            content=document.content,
            shown_from=actor.now,
        )
        await save_album(connection, contest.id, album)
        await actor.record("published", panel.selection.slug, f"album, {document.language}")


async def export_score_record(actor: Actor, panel: Panel, language: Language) -> Record:
    """Return the scores with lines to sign; the export is recorded in the audit log. Raises Refused
    while the first round is secret."""
    async with actor.connection.transaction():
        outcome = await load_panel_outcome(actor.connection, panel)
        if outcome is None:
            raise Refused("nomination.panel.scores_secret")
        last = max(number for number in panel.ends if number != BALLOT)
        sheets = await counted_sheets(actor.connection, panel, last)
        await actor.record("exported", panel.selection.slug, "scores of the panel")
    return score_record(panel, outcome, points_by_candidate(panel, sheets), language)


async def export_minutes(
    actor: Actor, panel: Panel, meeting: Meeting, language: Language
) -> PanelMinutes:
    """Return the minutes; the export is recorded in the audit log. Raises Refused before the panel
    has finished."""
    async with actor.connection.transaction():
        outcome = await load_panel_outcome(actor.connection, panel)
        if outcome is None or outcome.order is None:
            raise Refused("nomination.awards.no_minutes_yet")
        minutes = build_minutes(panel, outcome, meeting, language)
        await actor.record("exported", panel.selection.slug, "minutes of the panel")
    return minutes
