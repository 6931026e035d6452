"""Certificates, album, report and minutes of one result, opened as a reader opens them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import httpx
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

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
    REPORT,
    VOTE,
    Chosen,
)
from tests.sites.public.public_site import public_site
from voting_service.infrastructure.images.encoding import encode_picture
from voting_service.infrastructure.typesetting.glyph_coverage import missing_glyphs
from voting_service.nomination.awards.album_contents import build_album
from voting_service.nomination.awards.announcement import build_announcement
from voting_service.nomination.awards.published_result import load_certificates
from voting_service.nomination.awards.report_texts import REPORT_SECTIONS
from voting_service.nomination.documents.notice_list import render_notice_list
from voting_service.nomination.panel.repository import load_panel
from voting_service.nomination.privacy.encryption import PersonalKeys

pytestmark = pytest.mark.usefixtures("worker")


async def make(reviewer: StaffClient, kind: str, language: str = "zh") -> bytes:
    """Request a document, wait for it and download it."""
    newest, state = await rendered(reviewer, kind, language)
    assert state == "finished", (await reviewer.get(DOCUMENTS)).text
    answer = await reviewer.get(f"{DOCUMENTS}/{newest}.pdf")
    suffix = "zip" if kind == "certificate_files" else "pdf"
    assert answer.headers["content-type"] == f"application/{suffix}"
    assert answer.headers["content-disposition"].endswith(f'-{language}.{suffix}"')
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
    pdf = await make(reviewer, "certificates")
    await check_signed(pdf)
    document = printed(pdf)
    check_glyphs(document)
    certificates = await load_certificates(staff_app.database, chosen.contest.id)
    assert len(document.pages) == len(certificates) == 20
    for page, first in zip(document.pages, certificates, strict=True):
        assert first.serial in page.text
        assert f"候选 {first.number}".replace(" ", "") in page.text.replace(" ", "")


async def test_everybody_gets_a_signed_certificate_of_their_own(
    staff_app: StaffApp, chosen: Chosen, reviewer: StaffClient
) -> None:
    with ZipFile(BytesIO(await make(reviewer, "certificate_files", "en"))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    certificates = await load_certificates(staff_app.database, chosen.contest.id)
    assert list(files) == [f"{certificate.serial}.pdf" for certificate in certificates]
    for certificate in certificates[:2]:
        pdf = files[f"{certificate.serial}.pdf"]
        await check_signed(pdf)
        [page] = printed(pdf).pages
        assert certificate.serial in page.text
    # Nobody has an English name here, as the page shows.
    assert "These people have no English name" in (await reviewer.get(DOCUMENTS)).text


async def test_the_announcement_is_proposed_and_then_final(
    staff_app: StaffApp, chosen: Chosen, reviewer: StaffClient
) -> None:
    final = await make(reviewer, "announcement")
    await check_signed(final)
    text = printed(final).text.replace(" ", "")
    issuer, year = chosen.selection.rules.office, chosen.selection.year
    for part in (
        f"关于公布{year}年度“选树”名单的公告", issuer.zh, f"〔{year}〕", "联系人：", "联系电话：",
        f"一、{year}年度“选树”", f"二、{year}年度“选树”提名", "北区机床厂",
    ):  # fmt: skip
        assert part in text, part
    assert "公示期为" not in text
    for number in range(1, 21):
        assert f"候选{number}" in text
    panel = await load_panel(staff_app.database, chosen.selection, staff_app.clock())
    keys, before = PersonalKeys.of(staff_app.settings), staff_app.clock() - timedelta(days=3)
    listed = await build_announcement(staff_app.database, keys, panel, before)
    proposed = printed(render_notice_list(listed, "en")).text
    assert "The list is open to objections from" in proposed
    assert issuer.en in proposed


async def check_signed(pdf: bytes) -> None:
    """A reader shows one signature as valid, and as broken once a byte has changed."""
    for content, is_whole in ((pdf, True), (pdf.replace(b"/Type", b"/Typo", 1), False)):
        [signature] = PdfFileReader(BytesIO(content)).embedded_signatures
        trusted = ValidationContext(trust_roots=[signature.signer_cert])
        status = await async_validate_pdf_signature(signature, trusted)
        assert status.valid
        assert status.intact == is_whole
        assert status.bottom_line == is_whole
        assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert "演示签章" in status.signing_cert.subject.native["common_name"]


async def test_staff_write_the_report_and_nobody_overwrites_unseen(
    staff_app: StaffApp, reviewer: StaffClient
) -> None:
    draft = (await reviewer.get(REPORT)).text
    assert "528 ballots received" in draft
    assert "Nobody has saved it yet" in draft
    sections = {
        f"{section}.{language}": (None, f"{section} {language}")
        for section in REPORT_SECTIONS
        for language in ("zh", "en")
    }

    async def save(revision: int, **changed: str) -> httpx.Response:
        fields = {
            **sections,
            "revision": (None, str(revision)),
            **{name.replace("_", "."): (None, text) for name, text in changed.items()},
        }
        return await reviewer.post(REPORT, data={}, files=fields)

    personal = await save(0, vote_zh="联系电话13800138000")
    assert (personal.status_code, "Nothing is saved yet" in personal.text) == (422, True)
    assert "联系电话13800138000" in personal.text, "what was typed is still there"
    assert (await save(0, lessons_zh="甲窗口的体会")).status_code == 303
    stale = await save(0, lessons_zh="乙窗口的体会")
    assert stale.status_code == 409
    for text in ("甲窗口的体会", "乙窗口的体会", 'name="revision" value="1"'):
        assert text in stale.text, "both texts are shown"
    assert (await save(1, lessons_zh="甲乙两窗口的体会")).status_code == 303
    text = printed(await make(reviewer, "report")).text
    for part in ("甲乙两窗口的体会", "organisation zh", "publicity zh"):
        assert part in text
    assert "organisation en" in printed(await make(reviewer, "report", "en")).text
    auditor = await staff_app.signed_in_client("auditor")
    assert (await auditor.get(REPORT)).status_code == 200
    assert (await auditor.post(REPORT, data={}, files=sections)).status_code == 403


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


async def test_what_no_font_has_is_named_and_stops_no_document(
    staff_app: StaffApp, chosen: Chosen, reviewer: StaffClient
) -> None:
    form = {"revision": "0", "story_zh": "故事里的\U0002a6d6字"}
    answer = await reviewer.post("/selections/selection-2022/result/5", data=form)
    assert answer.status_code == 303
    assert await rendered(reviewer, "album_web", "zh") == ("1", "finished")
    assert "\U0002a6d6" in (await reviewer.get(DOCUMENTS)).text
    assert (await reviewer.get(f"{DOCUMENTS}/1.pdf")).content.startswith(b"%PDF")
