"""Certificates, album, report and minutes of one result, opened as a reader opens them."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from tests.picture_files import jpeg, opened
from tests.printed import (
    Printed,
    check_looks_right,
    printed,
)
from tests.sites.console.running_office import Office, StaffClient
from tests.sites.nomination.panel.panel_data import (
    EXPERTS,
    PAPERS,
    VOTE,
    Chosen,
)
from tests.sites.nomination.panel.public_site import public_site
from voting_service.contests.pictures.repository import store_portrait
from voting_service.infrastructure.images.encoding import encode_picture
from voting_service.infrastructure.typesetting.glyph_coverage import missing_glyphs
from voting_service.nomination.awards.album_contents import build_album
from voting_service.nomination.awards.published_result import load_certificates
from voting_service.nomination.panel.repository import load_panel
from voting_service.nomination.privacy.encryption import PersonalKeys


@pytest.fixture
async def reviewer(office: Office, chosen: Chosen) -> StaffClient:
    """Somebody of the office, once the result is out; one expert was absent, one had a
    conflict."""
    await chosen.seat("expert-a", body="north")
    for name in EXPERTS[1:]:
        await chosen.seat(name)
    await chosen.set_rules()
    await chosen.client("expert-a").get("/selections/selection-2022/panel")
    await chosen.submit_sheet("expert-a", _ladder_without_three())
    for name in EXPERTS[1:6]:
        await chosen.submit_sheet(name, _ladder_without_three() | {3: ("94", "40")})
    missing = await office.account("expert", EXPERTS[6])
    await chosen.decide("panel", "close/1", {"round": 1, "absent": [missing.id]})
    await chosen.publish_result()
    client = await office.signed_in_client("reviewer")
    assert (await client.post(f"{PAPERS}/certificates", data={})).status_code == 303
    return client


def _ladder_without_three() -> dict[int, tuple[str, str]]:
    return {n: (str(100 - 2 * n), "40") for n in range(1, 31) if n != 3}


async def make(reviewer: StaffClient, kind: str, language: str = "zh") -> bytes:
    """Request a document and wait for it: the background task of a response ends before the next
    request is read."""
    form = {"kind": kind, "language": language}
    assert (await reviewer.post(PAPERS, data=form)).status_code == 303
    for _ in range(600):
        states = (await reviewer.get(f"{PAPERS}/progress.json")).json()
        newest = max(states, key=int)
        if states[newest][0] != "working":
            break
    assert states[newest][0] == "finished", (await reviewer.get(PAPERS)).text
    answer = await reviewer.get(f"{PAPERS}/{newest}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


def check_glyphs(document: Printed) -> None:
    """Pages that bleed have no margins to look at; fonts and characters they have."""
    assert all(embedded for _, embedded in document.fonts)
    assert missing_glyphs(document.text) == ()
    assert all(page.ink > 0.003 for page in document.pages)


async def test_every_certificate_is_printed_with_its_own_code(
    office: Office, chosen: Chosen, reviewer: StaffClient
) -> None:
    document = printed(await make(reviewer, "certificates"))
    check_glyphs(document)
    certificates = await load_certificates(office.database, chosen.contest.id)
    assert len(document.pages) == len(certificates) == 20
    for page, one in zip(document.pages, certificates, strict=True):
        assert one.serial in page.text
        assert f"候选 {one.number}".replace(" ", "") in page.text.replace(" ", "")


@pytest.mark.parametrize("kind", ["album_web", "album_print"])
async def test_the_album_shows_everybody(reviewer: StaffClient, kind: str) -> None:
    document = printed(await make(reviewer, kind))
    check_glyphs(document)
    assert len(document.pages) >= 20
    for number in range(1, 21):
        assert f"候选{number}" in document.text.replace(" ", "")


async def test_the_album_shows_the_portraits_of_the_vote(
    office: Office, chosen: Chosen, reviewer: StaffClient
) -> None:
    assert b"DCTDecode" not in await make(reviewer, "album_web")
    portrait = encode_picture(jpeg(640, 896), "portrait.jpg", "portrait")
    async with office.database.transaction():
        await store_portrait(office.database, chosen.contest.id, 1, portrait)
    panel = await load_panel(office.database, chosen.selection, office.clock())
    keys = PersonalKeys.of(office.settings)
    contents = await build_album(office.database, keys, panel)
    assert [person.picture is not None for person in contents.people] == [True] + [False] * 19
    assert opened(contents.people[0].picture or b"").width == 640
    assert b"DCTDecode" in await make(reviewer, "album_web")
    assert "dpi" not in (await reviewer.get(PAPERS)).text
    await make(reviewer, "album_print")
    assert "候选 1 (75 dpi)" in (await reviewer.get(PAPERS)).text


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_report_has_the_figures_of_every_stage(
    reviewer: StaffClient, language: str
) -> None:
    document = printed(await make(reviewer, "report", language))
    check_looks_right(document)
    assert "528" in document.text, "32 + 31 + … + 1 ballots"


async def test_the_minutes_name_who_was_there_and_no_single_score(
    office: Office, reviewer: StaffClient
) -> None:
    form = {"place": "第一会议室", "chair": "主持人一", "secretary": "记录人一"}
    answer = await reviewer.post(
        f"{PAPERS}/minutes", data=form, headers={"accept-language": "zh-CN"}
    )
    document = printed(answer.content)
    check_looks_right(document)
    text = document.text.replace(" ", "")
    for said in ("第一会议室", "expert-a", "expert-g", "3候选3", "本单位推荐"):
        assert said in text, said
    assert "single" not in text
    unfilled = await reviewer.post(f"{PAPERS}/minutes", data={"place": ""})
    assert unfilled.status_code == 422
    exported = await office.database.fetch(
        "select subject from journal where act = 'exported' order by entry"
    )
    assert [row["subject"] for row in exported] == ["minutes of the panel"]


async def test_the_album_goes_online_when_somebody_says_so(
    office: Office, reviewer: StaffClient
) -> None:
    content = await make(reviewer, "album_web")
    paper = await office.database.fetchval("select max(id) from office.papers")
    async with public_site(office) as origin, httpx.AsyncClient(base_url=origin) as reader:
        address = f"/zh/{VOTE}/album.pdf"
        assert (await reader.get(address)).status_code == 404
        online = await reviewer.post(f"{PAPERS}/{paper}/online", data={})
        assert online.status_code == 303
        answer = await reader.get(address)
        assert answer.content == content
        tag = {"if-none-match": answer.headers["etag"]}
        assert (await reader.get(address, headers=tag)).status_code == 304
        assert "album.pdf" in (await reader.get(f"/zh/{VOTE}/result")).text
    subjects = await office.database.fetch("select act, subject from journal order by entry")
    assert ("published", "album, zh") in [tuple(row) for row in subjects]
    assert ("exported", f"paper {paper}: album_web, zh") in [tuple(row) for row in subjects]


async def test_an_album_of_a_correction_waits_for_its_moment(
    office: Office, chosen: Chosen, reviewer: StaffClient
) -> None:
    moment = (office.clock() + timedelta(hours=2)).replace(second=0, microsecond=0)
    first = await make(reviewer, "album_web")
    await reviewer.post(f"{PAPERS}/1/online", data={})
    await chosen.publish_result(
        removed="3", reason_zh="异议成立", reason_en="Upheld objection", when="moment",
        moment=moment.astimezone(chosen.selection.zone).strftime("%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    second = await make(reviewer, "album_web")
    assert (await reviewer.post(f"{PAPERS}/2/online", data={})).status_code == 303
    assert first != second
    async with public_site(office) as origin, httpx.AsyncClient(base_url=origin) as reader:
        address = f"/zh/{VOTE}/album.pdf"
        assert (await reader.get(address)).content == first
        office.clock.set(moment)
        assert (await reader.get(address)).content == second


async def test_a_number_too_long_for_any_is_no_address(
    office: Office, reviewer: StaffClient
) -> None:
    for digits in ("99999999999", "9" * 5000):
        for path in (f"{PAPERS}/{digits}.pdf", f"/accounts/{digits}"):
            assert (await reviewer.get(path)).status_code == 404
    assert (await reviewer.get(f"{PAPERS}/999999999.pdf")).status_code == 404
    async with public_site(office) as origin, httpx.AsyncClient(base_url=origin) as reader:
        for digits in ("99999999999", "9" * 5000):
            answer = await reader.get(f"/zh/{VOTE}/result/{digits}")
            assert answer.status_code == 404


async def test_what_cannot_be_printed_says_why(
    office: Office, chosen: Chosen, reviewer: StaffClient
) -> None:
    form = {"revision": "0", "story_zh": "故事里的\U0002a6d6字"}
    told = await reviewer.post("/selections/selection-2022/result/5", data=form)
    assert told.status_code == 303
    await reviewer.post(PAPERS, data={"kind": "album_web", "language": "zh"})
    for _ in range(600):
        states = (await reviewer.get(f"{PAPERS}/progress.json")).json()
        if states["1"][0] != "working":
            break
    assert states["1"][0] == "failed"
    assert "\U0002a6d6" in (await reviewer.get(PAPERS)).text
    assert (await reviewer.get(f"{PAPERS}/1.pdf")).status_code == 404
