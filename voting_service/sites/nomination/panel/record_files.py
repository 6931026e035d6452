"""Answer with a record of the panel as PDF, Word or Excel."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import NotFound
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.infrastructure.typesetting.compiler import in_background
from voting_service.nomination.awards.document_service import export_score_record
from voting_service.nomination.documents.record import Record
from voting_service.nomination.documents.record_files import RECORD_FILES, Suffix
from voting_service.nomination.model import READERS
from voting_service.sites.nomination.panel.context import PANEL, requested_panel
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.cookies import language as reader_language
from voting_service.sites.shared.signed_in.state import get_state


def read_suffix(text: str) -> Suffix:
    """Return the format of that name. Raises NotFound."""
    for suffix in RECORD_FILES:
        if suffix == text:
            return suffix
    raise NotFound("sites.nomination.panel.no_such_format")


async def record_response(
    record: Record, language: Language, suffix: Suffix, name: str
) -> Response:
    """Return a record as a file, called `name` without its suffix."""
    file = RECORD_FILES[suffix]
    content = await in_background(lambda: file.write(record, language))
    headers = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-disposition": content_disposition(f"{name}.{suffix}"),
    }
    return Response(content, 200, headers, media_type=file.media_type)


@signed_in(*READERS)
async def scores(request: Request) -> Response:
    """The scores of the panel with a page to sign."""
    suffix, language = read_suffix(request.path_params["suffix"]), reader_language(request)
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        actor = current_actor(request, connection)
        record = await export_score_record(actor, panel, language)
    what = load_catalogue("recommendations", language)["file_names"]["scores"]
    return await record_response(record, language, suffix, f"{what}-{panel.selection.slug}")


ROUTES = [Route(f"{PANEL}/scores.{{suffix}}", scores)]
