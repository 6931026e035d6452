"""What is told of each person: a story, a quotation, a film; nothing personal gets through."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.awards import (
    Awarded,
    Publicity,
    load_publicity,
    load_results,
    save_print_portrait,
    save_publicity,
)
from voting_service.contests.model import Text
from voting_service.contests.picture_encoding import encode_picture
from voting_service.contests.pictures import store_portrait
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.desk.uploads import read_upload
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.journal.record import record
from voting_service.office.announcement.result_pages import PREFIX
from voting_service.office.disclosure import disclosures
from voting_service.office.files.sandbox import examine_scan
from voting_service.office.model import READERS, REVIEWERS
from voting_service.office.panel.candidates import load_recommended
from voting_service.office.panel.model import Panel
from voting_service.office.panel.reading import panel_of
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection

STORY_CHARACTERS = 4000
QUOTATION_CHARACTERS = 120
_VIDEO = re.compile(r"https://[a-z0-9.-]+\.[a-z]{2,}(?::[0-9]{1,5})?/[!-~]*")
_MAX_VIDEO_CHARACTERS = 500


async def _awarded(request: Request, connection: AnyConnection) -> tuple[Panel, Awarded]:
    """Raises NotFound for whom the newest result does not name."""
    panel = await panel_of(request, connection)
    number = request.path_params["number"]
    results = await load_results(connection, panel.contest.id) if panel.contest else ()
    for one in results[-1].read().awarded if results else ():
        if one.number == number:
            return panel, one
    raise NotFound("the result does not name this number", zh="结果名单中没有这个编号。")


@signed_in(*READERS)
async def publicity_page(request: Request) -> Response:
    """The texts as they are told now."""
    desk = desk_of(request)
    async with desk.connection() as connection:
        panel, one = await _awarded(request, connection)
        assert panel.contest is not None
        told = await load_publicity(connection, panel.contest.id)
    return page(
        request,
        "announcement/publicity.html",
        selection=panel.selection,
        one=one,
        told=told.get(one.number, Publicity(one.number)),
        may_edit=visitor(request).account.role in REVIEWERS,
        lengths={"story": STORY_CHARACTERS, "quotation": QUOTATION_CHARACTERS},
    )


@signed_in(*REVIEWERS, step_up=True)
async def save(request: Request) -> Response:
    """Keeps them, unless something in them is personal."""
    form = await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection, connection.transaction():
        panel, one = await _awarded(request, connection)
        assert panel.contest is not None
        told = read_publicity(one.number, form)
        keys = PersonalKeys.of(desk.settings)
        known = (await load_recommended(connection, keys, panel)).get(one.number)
        texts = {
            "story_zh": told.story.zh, "story_en": told.story.en,
            "quotation_zh": told.quotation.zh, "quotation_en": told.quotation.en,
            "video_url": unquote(told.video_url or ""),
        }  # fmt: skip
        if faults := disclosures(texts, known=known.form if known else None):
            raise InvalidInput(*faults)
        account = visitor(request).account
        await save_publicity(connection, panel.contest.id, told, account.id, desk.clock())
        await record(
            connection,
            account.name,
            "publicity_changed",
            contest=panel.selection.slug,
            subject=f"candidate {one.number}",
        )
    return RedirectResponse(f"/selections/{panel.selection.slug}/result?done=told", 303)


@signed_in(*REVIEWERS, step_up=True)
async def send_portrait(request: Request) -> Response:
    """Keeps a portrait for print, nothing but its pixels, and shows smaller ones to citizens."""
    posted = await read_upload(request)
    sent = posted.files.get("portrait")
    if sent is None:
        raise InvalidInput(Fault("portrait", "choose a picture", "请选择图片。"))
    examined = await examine_scan(sent.name, sent.content, field="portrait")
    if examined.kind != "jpeg":
        raise InvalidInput(
            Fault("portrait", "send a picture, not a PDF", "请上传图片，不要上传PDF。")
        )
    picture = await asyncio.to_thread(encode_picture, examined.content, "portrait.jpg", "portrait")
    desk = desk_of(request)
    async with desk.connection() as connection, connection.transaction():
        panel, one = await _awarded(request, connection)
        assert panel.contest is not None
        account = visitor(request).account
        await save_print_portrait(
            connection,
            panel.contest.id,
            one.number,
            content=examined.content,
            account_id=account.id,
            now=desk.clock(),
        )
        await store_portrait(connection, panel.contest.id, one.number, picture)
        await record(
            connection,
            account.name,
            "picture_changed",
            contest=panel.selection.slug,
            subject=f"candidate {one.number}",
        )
    return RedirectResponse(f"/selections/{panel.selection.slug}/result?done=told", 303)


def read_publicity(number: int, form: Mapping[str, str]) -> Publicity:
    """From the form's fields. Raises InvalidInput with every fault."""
    faults = []
    texts = {}
    for name, most in (("story", STORY_CHARACTERS), ("quotation", QUOTATION_CHARACTERS)):
        for tongue in ("zh", "en"):
            texts[f"{name}_{tongue}"] = form.get(f"{name}_{tongue}", "").strip()
            if len(texts[f"{name}_{tongue}"]) > most * (1 if tongue == "zh" else 3):
                faults.append(Fault(f"{name}_{tongue}", "is too long", "文字过长，请删减。"))
    video = form.get("video_url", "").strip()
    if video and (not _VIDEO.fullmatch(video) or len(video) > _MAX_VIDEO_CHARACTERS):
        faults.append(
            Fault(
                "video_url",
                "must be an address that begins with https://, without spaces",
                "请填写以 https:// 开头的网址，不含空格。",
            )
        )
    revision = form.get("revision", "0")
    if not re.fullmatch(r"[0-9]{1,6}", revision):
        faults.append(Fault("revision", "load the page anew", "请刷新页面。"))
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
    Route(f"{PREFIX}/{{number:int}}", publicity_page),
    Route(f"{PREFIX}/{{number:int}}", save, methods=["POST"]),
    Route(f"{PREFIX}/{{number:int}}/portrait", send_portrait, methods=["POST"]),
]
