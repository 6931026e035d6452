"""Certificates, album, report and minutes of one result, opened as a reader opens them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.contest_data import show_picture
from tests.picture_files import jpeg, opened
from tests.printed import (
    Printed,
    check_looks_right,
    printed,
)
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.panel.panel_data import (
    DOCUMENTS,
    VOTE,
    Chosen,
)
from tests.sites.public.public_site import public_site
from voting_service.infrastructure.images.encoding import encode_picture
from voting_service.infrastructure.typesetting.glyph_coverage import missing_glyphs
from voting_service.nomination.awards.album_contents import build_album
from voting_service.nomination.awards.published_result import load_certificates
from voting_service.nomination.panel.repository import load_panel
from voting_service.nomination.privacy.encryption import PersonalKeys

pytestmark = pytest.mark.usefixtures("worker")


async def make(reviewer: StaffClient, kind: str, language: str = "zh") -> bytes:
    """Request a document, wait for it and download it."""
    newest, state = await rendered(reviewer, kind, language)
    assert state == "finished", (await reviewer.get(DOCUMENTS)).text
    answer = await reviewer.get(f"{DOCUMENTS}/{newest}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


async def rendered(reviewer: StaffClient, kind: str, language: str) -> tuple[str, str]:
    """Request a document and wait until its job ends; its number and state."""
    form = {"kind": kind, "language": language}
    assert (await reviewer.post(DOCUMENTS, data=form)).status_code == 303
    while True:
        states = (await reviewer.get(f"{DOCUMENTS}/progress.json")).json()
        newest = max(states, key=int)
        if states[newest][0] != "working":
            return newest, states[newest][0]
        await asyncio.sleep(0.05)


def check_glyphs(document: Printed) -> None:
    """Pages that bleed have no margins to look at; fonts and characters they have."""
    assert all(embedded for _, embedded in document.fonts)
    assert missing_glyphs(document.text) == ()
    assert all(page.ink > 0.003 for page in document.pages)


async def test_every_certificate_is_printed_with_its_own_code(
    staff_app: StaffApp, chosen: Chosen, reviewer: StaffClient
) -> None:
    document = printed(await make(reviewer, "certificates"))
    check_glyphs(document)
    certificates = await load_certificates(staff_app.database, chosen.contest.id)
    assert len(document.pages) == len(certificates) == 20
    for page, first in zip(document.pages, certificates, strict=True):
        assert first.serial in page.text
        assert f"候选 {first.number}".replace(" ", "") in page.text.replace(" ", "")


@pytest.mark.parametrize("kind", ["album_web", "album_print"])
async def test_the_album_shows_everybody(reviewer: StaffClient, kind: str) -> None:
    document = printed(await make(reviewer, kind))
    check_glyphs(document)
    assert len(document.pages) >= 20
    for number in range(1, 21):
        assert f"候选{number}" in document.text.replace(" ", "")


async def test_the_album_shows_the_portraits_of_the_vote(
    staff_app: StaffApp, chosen: Chosen, reviewer: StaffClient
) -> None:
    assert b"DCTDecode" not in await make(reviewer, "album_web")
    portrait = encode_picture(jpeg(640, 896), "portrait.jpg", "portrait")
    await show_picture(staff_app.settings.owner_database_url, chosen.contest.id, 1, portrait)
    panel = await load_panel(staff_app.database, chosen.selection, staff_app.clock())
    keys = PersonalKeys.of(staff_app.settings)
    contents = await build_album(staff_app.database, keys, panel)
    assert [person.picture is not None for person in contents.people] == [True] + [False] * 19
    assert opened(contents.people[0].picture or b"").width == 640
    assert b"DCTDecode" in await make(reviewer, "album_web")
    assert "dpi" not in (await reviewer.get(DOCUMENTS)).text
    await make(reviewer, "album_print")
    assert "候选 1 (75 dpi)" in (await reviewer.get(DOCUMENTS)).text


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_report_has_the_figures_of_every_stage(
    reviewer: StaffClient, language: str
) -> None:
    document = printed(await make(reviewer, "report", language))
    check_looks_right(document)
    assert "528" in document.text, "32 + 31 + … + 1 ballots"


async def test_the_minutes_name_who_was_there_and_no_single_score(
    staff_app: StaffApp, reviewer: StaffClient
) -> None:
    form = {"place": "第一会议室", "chair": "主持人一", "secretary": "记录人一"}
    answer = await reviewer.post(
        f"{DOCUMENTS}/minutes", data=form, headers={"accept-language": "zh-CN"}
    )
    document = printed(answer.content)
    check_looks_right(document)
    text = document.text.replace(" ", "")
    for output in ("第一会议室", "expert-a", "expert-g", "3候选3", "本单位推荐"):
        assert output in text, output
    assert "single" not in text
    unfilled = await reviewer.post(f"{DOCUMENTS}/minutes", data={"place": ""})
    assert unfilled.status_code == 422
    exported = await staff_app.database.fetch(
        "select subject from audit_log where act = 'exported' order by entry"
    )
    assert [row["subject"] for row in exported] == ["minutes of the panel"]


async def test_the_album_goes_online_when_somebody_decides_it(
    staff_app: StaffApp, reviewer: StaffClient
) -> None:
    content = await make(reviewer, "album_web")
    paper = await staff_app.database.fetchval("select max(id) from nomination.documents")
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        address = f"/zh/{VOTE}/album.pdf"
        assert (await reader.get(address)).status_code == 404
        online = await reviewer.post(f"{DOCUMENTS}/{paper}/online", data={})
        assert online.status_code == 303
        answer = await reader.get(address)
        assert answer.content == content
        tag = {"if-none-match": answer.headers["etag"]}
        assert (await reader.get(address, headers=tag)).status_code == 304
        assert "album.pdf" in (await reader.get(f"/zh/{VOTE}/result")).text
    subjects = await staff_app.database.fetch("select act, subject from audit_log order by entry")
    assert ("published", "album, zh") in [tuple(row) for row in subjects]
    assert ("exported", f"document {paper}: album_web, zh") in [tuple(row) for row in subjects]


async def test_an_album_of_a_correction_waits_for_its_moment(
    staff_app: StaffApp, chosen: Chosen, reviewer: StaffClient
) -> None:
    moment = (staff_app.clock() + timedelta(hours=2)).replace(second=0, microsecond=0)
    first = await make(reviewer, "album_web")
    await reviewer.post(f"{DOCUMENTS}/1/online", data={})
    await chosen.publish_result(
        removed="3", reason_zh="异议成立", reason_en="Upheld objection", when="moment",
        moment=moment.astimezone(chosen.selection.zone).strftime("%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    second = await make(reviewer, "album_web")
    assert (await reviewer.post(f"{DOCUMENTS}/2/online", data={})).status_code == 303
    assert first != second
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        address = f"/zh/{VOTE}/album.pdf"
        assert (await reader.get(address)).content == first
        staff_app.clock.set(moment)
        assert (await reader.get(address)).content == second


async def test_a_number_too_long_for_any_is_no_address(
    staff_app: StaffApp, reviewer: StaffClient
) -> None:
    for digits in ("99999999999", "9" * 5000):
        for path in (f"{DOCUMENTS}/{digits}.pdf", f"/accounts/{digits}"):
            assert (await reviewer.get(path)).status_code == 404
    assert (await reviewer.get(f"{DOCUMENTS}/999999999.pdf")).status_code == 404
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        for digits in ("99999999999", "9" * 5000):
            answer = await reader.get(f"/zh/{VOTE}/result/{digits}")
            assert answer.status_code == 404


async def test_what_cannot_be_printed_gives_the_reason(
    staff_app: StaffApp, chosen: Chosen, reviewer: StaffClient
) -> None:
    form = {"revision": "0", "story_zh": "故事里的\U0002a6d6字"}
    answer = await reviewer.post("/selections/selection-2022/result/5", data=form)
    assert answer.status_code == 303
    assert await rendered(reviewer, "album_web", "zh") == ("1", "failed")
    assert "\U0002a6d6" in (await reviewer.get(DOCUMENTS)).text
    assert (await reviewer.get(f"{DOCUMENTS}/1.pdf")).status_code == 404
