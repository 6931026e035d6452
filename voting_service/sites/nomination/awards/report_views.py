"""The texts of the summary report, which staff edit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.awards.document_data import build_summary
from voting_service.nomination.awards.report_texts import (
    MAX_CHARACTERS,
    REPORT_SECTIONS,
    ReportChanged,
    ReportTexts,
    draft_report_texts,
    load_report_texts,
    save_report_texts,
)
from voting_service.nomination.model import READERS, REVIEWERS
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.panel.outcome import load_panel_outcome
from voting_service.sites.nomination.context import personal_keys
from voting_service.sites.nomination.panel.context import requested_panel
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import read_typed

REPORT = "/selections/{slug}/report"
_REVISION = re.compile("[0-9]{1,6}")


@signed_in(*READERS)
async def report_page(request: Request) -> Response:
    """The texts by section; before anybody saved, the draft from the figures."""
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        texts = await _texts(request, connection, panel)
    return _page(request, panel, texts)


async def _texts(request: Request, connection: AnyConnection, panel: Panel) -> ReportTexts:
    saved = await load_report_texts(connection, panel.selection)
    if saved is not None:
        return saved
    outcome = await load_panel_outcome(connection, panel)
    summary = await build_summary(connection, personal_keys(request), panel, outcome)
    return draft_report_texts(panel.selection, summary)


@signed_in(*REVIEWERS)
async def save(request: Request) -> Response:
    """Save the texts. What cannot be saved is shown again, beside what somebody else saved."""
    typed = _read_texts(await read_typed(request))
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        try:
            await save_report_texts(current_actor(request, connection), panel.selection, typed)
        except ReportChanged:
            theirs = await _texts(request, connection, panel)
            return _page(request, panel, typed, theirs=theirs)
        except InvalidInput as error:
            return _page(request, panel, typed, faults=error.faults)
    return redirect_done(request, REPORT, "saved")


def _read_texts(fields: Mapping[str, Sequence[str]]) -> ReportTexts:
    def field(name: str) -> str:
        return next(iter(fields.get(name, ())), "").strip()

    revision = field("revision")
    if not _REVISION.fullmatch(revision):
        raise InvalidInput(Fault("revision", "sites.nomination.awards.reload_page"))
    sections = {
        section: Text(field(f"{section}.zh"), field(f"{section}.en")) for section in REPORT_SECTIONS
    }
    return ReportTexts(sections, int(revision))


def _page(
    request: Request,
    panel: Panel,
    texts: ReportTexts,
    *,
    theirs: ReportTexts | None = None,
    faults: Sequence[Fault] = (),
) -> Response:
    """Show texts to edit; saving them replaces `theirs`, which is shown where it differs."""
    sentences: dict[str, list[str]] = {}
    for fault in faults:
        sentences.setdefault(fault.field, []).append(fault.text(language(request)))
    return page(
        request,
        "awards/report.html",
        status=409 if theirs else 422 if faults else 200,
        selection=panel.selection,
        sections=REPORT_SECTIONS,
        texts=texts,
        theirs=theirs,
        revision=(theirs or texts).revision,
        faults=sentences,
        limits=MAX_CHARACTERS,
        may_edit=current_user(request).account.role in REVIEWERS,
    )


ROUTES = [
    Route(REPORT, report_page),
    Route(REPORT, save, methods=["POST"]),
]
