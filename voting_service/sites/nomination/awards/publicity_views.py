"""Publicity of winners and nominees: story, quotation, video and portrait."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import (
    Fault,
    InvalidInput,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.encoding import encode_picture
from voting_service.nomination.awards.publicity import (
    edit_publicity,
    load_award,
    replace_portrait,
)
from voting_service.nomination.awards.published_result import Publicity, load_publicity
from voting_service.nomination.files.model import UploadedFile
from voting_service.nomination.files.sandbox import examine_picture
from voting_service.nomination.model import READERS, REVIEWERS
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.sites.nomination.awards.result_views import RESULT
from voting_service.sites.nomination.panel.context import requested_panel
from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import read_upload

STORY_CHARACTERS = 4000
QUOTATION_CHARACTERS = 120
_VIDEO = re.compile(r"https://[a-z0-9.-]+\.[a-z]{2,}(?::[0-9]{1,5})?/[!-~]*")
_MAX_VIDEO_CHARACTERS = 500


@signed_in(*READERS)
async def publicity_page(request: Request) -> Response:
    """The texts about one winner or nominee."""
    async with get_state(request).connection() as connection:
        panel = await requested_panel(request, connection)
        contest_id, award = await load_award(connection, panel, request.path_params["number"])
        publicity = await load_publicity(connection, contest_id)
    return page(
        request,
        "awards/publicity.html",
        selection=panel.selection,
        award=award,
        publicity=publicity.get(award.number, Publicity(award.number)),
        may_edit=current_user(request).account.role in REVIEWERS,
        lengths={"story": STORY_CHARACTERS, "quotation": QUOTATION_CHARACTERS},
    )


@signed_in(*REVIEWERS, step_up=True)
async def save(request: Request) -> Response:
    """Save the texts, unless they hold personal data."""
    publicity = read_publicity(request.path_params["number"], await read_form(request))
    state = get_state(request)
    async with state.connection() as connection:
        panel = await requested_panel(request, connection)
        actor = current_actor(request, connection)
        await edit_publicity(actor, PersonalKeys.of(state.settings), panel, publicity)
    return redirect_done(request, RESULT, "saved")


@signed_in(*REVIEWERS, step_up=True)
async def upload_portrait(request: Request) -> Response:
    """Replace a portrait: pixels only, large for print and small for the public pages."""
    upload = (await read_upload(request)).files.get("portrait")
    if upload is None:
        raise InvalidInput(Fault("portrait", "sites.nomination.awards.choose_picture"))
    file = UploadedFile(upload.name, upload.content)
    examined = await examine_picture(file, field="portrait")
    picture = await asyncio.to_thread(encode_picture, examined.content, "portrait.jpg", "portrait")
    async with get_state(request).connection() as connection:
        await replace_portrait(
            current_actor(request, connection),
            await requested_panel(request, connection),
            request.path_params["number"],
            examined.content,
            picture,
        )
    return redirect_done(request, RESULT, "saved")


def read_publicity(number: int, form: Mapping[str, str]) -> Publicity:
    """Return the publicity of the form's fields. Raises InvalidInput with every fault."""
    faults = []
    texts = {}
    for name, limit in (("story", STORY_CHARACTERS), ("quotation", QUOTATION_CHARACTERS)):
        for language in ("zh", "en"):
            texts[f"{name}_{language}"] = form.get(f"{name}_{language}", "").strip()
            if len(texts[f"{name}_{language}"]) > limit * (1 if language == "zh" else 3):
                faults.append(Fault(f"{name}_{language}", "sites.nomination.awards.too_long"))
    video = form.get("video_url", "").strip()
    if video and (not _VIDEO.fullmatch(video) or len(video) > _MAX_VIDEO_CHARACTERS):
        faults.append(Fault("video_url", "sites.nomination.awards.https_address"))
    revision = form.get("revision", "0")
    if not re.fullmatch(r"[0-9]{1,6}", revision):
        faults.append(Fault("revision", "sites.nomination.awards.reload_page"))
    if faults:
        raise InvalidInput(*faults)
    return Publicity(
        number,
        Text(texts["story_zh"], texts["story_en"]),
        Text(texts["quotation_zh"], texts["quotation_en"]),
        video or None,
        int(revision),
    )


ROUTES = [
    Route(f"{RESULT}/{{number:int}}", publicity_page),
    Route(f"{RESULT}/{{number:int}}", save, methods=["POST"]),
    Route(f"{RESULT}/{{number:int}}/portrait", upload_portrait, methods=["POST"]),
]
