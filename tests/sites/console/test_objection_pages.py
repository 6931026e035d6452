"""An objection: made on the public site, read and answered in the console, looked up."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from html import unescape
from unittest.mock import AsyncMock

import httpx
import pytest
from playwright.async_api import Page
from pypdf import PdfReader

from tests.browser.accessibility import assert_accessible
from tests.contest_data import SLUG, arrange_contest, both, execute_as_owner
from tests.nomination.files.pdf_files import pdf
from tests.picture_files import jpeg
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.public.public_site import public_site
from voting_service.contests.objections.model import LIMITS as CHARACTERS
from voting_service.contests.objections.model import new_number
from voting_service.contests.objections.repository import (
    load_attachment,
    load_objection,
    load_objections,
    rewrap_objections,
)
from voting_service.contests.objections.service import LIMIT, OBJECTIONS_AFTER_CUT
from voting_service.infrastructure.postgres.pool import connect
from voting_service.jobs.objections import objections_loop
from voting_service.nomination.notices.repository import Notice, publish_notice
from voting_service.setting_values import MasterKey
from voting_service.sites.public.pages import objection_files

FORM = f"/en/{SLUG}/objection"
WRITTEN = {"name": "姓名甲 <b>", "contact": "023-11112222", "text": "第一行\r\n第二行 & more"}
ANSWER = "经核查，票数无误。\nThe count is right."


async def close(staff_app: StaffApp) -> None:
    """Voting has closed an hour ago."""
    closed = staff_app.clock() - timedelta(hours=1)
    await arrange_contest(
        staff_app.settings.owner_database_url, staff_app.contest.id, closes_at=closed
    )


async def object_to(
    client: httpx.AsyncClient, path: str = FORM, fields: dict[str, str] = WRITTEN, **headers: str
) -> httpx.Response:
    """Send the form as a browser does."""
    sent = {"sec-fetch-site": "same-origin", "accept": "text/html"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(path, data=fields, headers={**sent, **named})


def number_in(response: httpx.Response) -> str:
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert 'id="received"' in response.text
    [number] = re.findall(r'<dd class="code"><strong>([^<]+)</strong>', response.text)
    return str(number)


async def look_up(client: httpx.AsyncClient, number: str, language: str = "en") -> httpx.Response:
    answer = await client.post(f"/{language}/objections", data={"number": number})
    assert 'id="received"' not in answer.text
    return answer


async def test_an_objection_is_read_and_answered_and_its_number_shows_the_answer(
    staff_app: StaffApp,
) -> None:
    await close(staff_app)
    async with public_site(staff_app.settings) as client:
        number = number_in(await object_to(client))
        stored = await staff_app.database.fetchval("select content from online_objections")
        assert "甲".encode() not in stored
        waiting = await look_up(client, number.lower())
        assert (waiting.status_code, waiting.headers["cache-control"]) == (200, "no-store")
        assert "not answered yet" in waiting.text
        in_address = await client.get("/en/objections", params={"number": number})
        assert number not in in_address.text
        assert WRITTEN["contact"] not in waiting.text

        auditor = await staff_app.signed_in_client("auditor")
        listed = (await auditor.get("/objections")).text
        assert number in listed
        assert WRITTEN["contact"] not in listed
        [objection] = await load_objections(staff_app.database, 10)
        page = f"/objections/{objection.id}"
        shown = unescape((await auditor.get(page)).text)
        for words in (WRITTEN["name"], WRITTEN["contact"], "第一行\n第二行 & more"):
            assert words in shown
        assert "<form" not in shown.partition("<main")[2]
        refused = await auditor.post(f"{page}/answer", data={"answer": ANSWER})
        assert refused.status_code == 403
        for role in ("administrator", "expert", "recommender"):
            assert (await (await staff_app.signed_in_client(role)).get(page)).status_code == 403

        clerk = await staff_app.signed_in_client("tally_clerk")
        too_long = await clerk.post(f"{page}/answer", data={"answer": "x" * 3_001})
        assert (too_long.status_code, "x" * 3_001 in too_long.text) == (422, True)
        answered = await clerk.post(f"{page}/answer", data={"answer": ANSWER})
        assert answered.headers["location"] == f"{page}?done=answered"
        again = await clerk.post(f"{page}/answer", data={"answer": "other"})
        assert (again.status_code, "has been answered" in again.text) == (422, True)
        assert (await clerk.get("/objections/9999")).status_code == 404

        for language in ("zh", "en"):
            looked_up = await look_up(client, number, language)
            assert "<p>经核查，票数无误。</p><p>The count is right.</p>" in looked_up.text
    acts = await staff_app.database.fetch(
        "select act, actor, contest, subject, details from audit_log where subject like 'online%'"
        " order by entry"
    )
    assert [(row["act"], row["actor"]) for row in acts] == [
        ("viewed", "auditor-1"),
        ("viewed", "tally_clerk-1"),  # the form is shown again with its fault
        ("objection_answered", "tally_clerk-1"),
        ("viewed", "tally_clerk-1"),
    ]
    assert {row["contest"] for row in acts} == {SLUG}
    assert WRITTEN["contact"] not in str([tuple(row) for row in acts])


async def test_what_is_wrong_is_shown_at_its_field_and_nothing_is_lost(staff_app: StaffApp) -> None:
    await close(staff_app)
    async with public_site(staff_app.settings) as client:
        for field in WRITTEN:
            for value in ("", " ", "x" * (CHARACTERS[field] + 1), "a\u202eb"):
                answer = await object_to(client, fields={**WRITTEN, field: value})
                assert answer.status_code == 422, (field, value)
                assert f'id="{field}-fault"' in answer.text
                assert answer.text.count('class="fault"') == 1
                kept = unescape(answer.text)
                assert all(
                    WRITTEN[other].replace("\r\n", "\n") in kept
                    for other in WRITTEN
                    if other != field
                )
        both_wrong = await object_to(client, fields={"text": "only this"})
        assert both_wrong.text.count('class="fault"') == 2
        elsewhere = await object_to(client, sec_fetch_site="cross-site")
        assert elsewhere.status_code == 403
        assert (await object_to(client, fields={**WRITTEN, "more": "x"})).status_code == 422
        for typed, status in (("", 200), ("x", 422), (new_number(), 404), ("\0", 422)):
            assert (await look_up(client, typed, "zh")).status_code == status
    assert await staff_app.database.fetchval("select count(*) from online_objections") == 0


async def test_files_come_with_an_objection(staff_app: StaffApp) -> None:
    await close(staff_app)
    sent = {"sec-fetch-site": "same-origin", "accept": "text/html"}
    photo, paper = jpeg(1200, 1600), pdf(2)
    plain = {**WRITTEN, "text": WRITTEN["text"].replace("\r", "")}

    async def attach(client: httpx.AsyncClient, *files: tuple[str, bytes]) -> httpx.Response:
        parts = [("attachments", (name, content)) for name, content in files]
        return await client.post(FORM, data=plain, files=parts, headers=sent)

    async with public_site(staff_app.settings) as client:
        assert 'enctype="multipart/form-data"' in (await client.get(FORM)).text
        for files, words in (
            ([("a.docx", b"PK\x03\x04" + b"x" * 99)], "photographs or PDFs only"),
            ([("a.pdf", b"<html>")], None),
            ([("a.jpg", b"\xff\xd8\xff" + b"x" * 200_000)], None),
            ([("a.jpg", photo)] * 4, "more than 3 files"),
            ([("a.pdf", pdf(11))], "10 pages"),
            ([("a.jpg", b"\xff\xd8\xff" + b"x" * 20 * 2**20)], None),
        ):
            refused = await attach(client, *files)
            assert refused.status_code in (413, 422), refused.text
            if refused.status_code == 422:
                assert 'id="attachments-fault"' in refused.text
                assert (words or "") in unescape(refused.text)
                assert WRITTEN["contact"] in refused.text, "what was typed is kept"
        assert await staff_app.database.fetchval("select count(*) from online_objections") == 0
        # The browser sends the field without a name where no file was chosen.
        number_in(
            await client.post(FORM, data=plain, files={"attachments": ("", b"")}, headers=sent)
        )
        number_in(await attach(client, ("p.jpg", photo), ("a.pdf", paper)))
    without, objection = sorted(
        await load_objections(staff_app.database, 9), key=lambda objection: objection.id
    )
    stored = await staff_app.database.fetchval(
        "select attachment from online_objections where id = $1", objection.id
    )
    assert b"%PDF" not in stored
    auditor = await staff_app.signed_in_client("auditor")
    address = f"/objections/{objection.id}/attachment.pdf"
    assert address in (await auditor.get(f"/objections/{objection.id}")).text
    got = await auditor.get(address)
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["content-disposition"].startswith("attachment;")
    assert len(PdfReader(io.BytesIO(got.content)).pages) == 3
    assert (await auditor.get(f"/objections/{without.id}/attachment.pdf")).status_code == 404
    assert "attachment.pdf" not in (await auditor.get(f"/objections/{without.id}")).text
    assert (await (await staff_app.signed_in_client("expert")).get(address)).status_code == 403
    key, other = staff_app.settings.master_key.get_secret_value(), b"n" * 32
    owner = await connect(staff_app.settings.owner_database_url or "")
    try:
        assert await rewrap_objections(owner, MasterKey.of(other, key)) == 3
        assert await load_attachment(owner, other, objection.id) == got.content
        await owner.execute("delete from contest_keys where purpose = 'voters'")
        assert await owner.fetchval("select count(attachment) from online_objections") == 0
    finally:
        await owner.close()


async def test_a_network_over_its_limit_has_no_files_examined(
    staff_app: StaffApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await close(staff_app)
    examined = AsyncMock()
    monkeypatch.setattr(objection_files, "examine_queued", examined)
    async with public_site(staff_app.settings) as client:
        for _ in range(LIMIT):
            number_in(await object_to(client))
        refused = await client.post(
            FORM, data=WRITTEN, files={"attachments": ("a.jpg", jpeg())},
            headers={"sec-fetch-site": "same-origin", "accept": "text/html"},
        )  # fmt: skip
    assert refused.status_code == 429
    examined.assert_not_awaited()


async def test_one_network_sends_a_few_in_an_hour_and_keeps_what_it_wrote(
    staff_app: StaffApp,
) -> None:
    await close(staff_app)
    async with public_site(staff_app.settings) as client:
        for _ in range(LIMIT):
            number_in(await object_to(client))
        refused = await object_to(client)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")
        assert WRITTEN["contact"] in refused.text
        await execute_as_owner(
            staff_app.settings.owner_database_url,
            "update online_objections set received_at = received_at - interval '61 minutes'",
        )
        number_in(await object_to(client))


async def test_a_flood_refuses_nobody_and_hides_none_that_waits(
    staff_app: StaffApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await close(staff_app)
    await execute_as_owner(
        staff_app.settings.owner_database_url,
        "insert into online_objections (number, contest_id, sender, content)"
        " select 'flood-' || n, 1, '', 'x' from generate_series(1, 600) n",
    )
    async with public_site(staff_app.settings) as client:
        number = number_in(await object_to(client))
    monkeypatch.setattr("voting_service.sites.console.objections.views.SHOWN", 300)
    clerk = await staff_app.signed_in_client("tally_clerk")
    assert "Objections waiting for an answer: 601" in (await clerk.get("/")).text
    first, last = [(await clerk.get(f"/objections?page={page}")).text for page in (1, 3)]
    assert "flood-1<" in first and number not in first
    assert 'href="/objections?page=2"' in first
    assert number in last and "page=4" not in last


async def test_objections_end_and_are_erased(
    staff_app: StaffApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await close(staff_app)
    owner_url = staff_app.settings.owner_database_url
    erase = objections_loop().work
    async with public_site(staff_app.settings) as client:
        number = number_in(await object_to(client))
        for age, kept in ((1, (False, True)), (24, (True, True)), (24 * 367, (True, False))):
            await execute_as_owner(
                owner_url,
                "update online_objections set received_at = now() - make_interval(hours => $1)",
                age,
            )
            await erase(staff_app.database)
            row = await staff_app.database.fetchrow(
                "select sender = '' as no_sender, content <> '' as has_content"
                " from online_objections where number = $1",
                number,
            )
            assert row and tuple(row) == kept, age
        for passed, status in ((timedelta(hours=1), 200), (OBJECTIONS_AFTER_CUT, 409)):
            monkeypatch.setattr(
                "voting_service.sites.public.pages.objection_views.load_first_cut",
                AsyncMock(return_value=staff_app.clock() - passed),
            )
            assert (await object_to(client)).status_code == status
    await execute_as_owner(owner_url, "delete from contest_keys where purpose = 'voters'")
    async with public_site(staff_app.settings) as client:
        refused = await object_to(client)
        assert (refused.status_code, "has been erased" in refused.text) == (409, True)


async def test_objections_are_taken_while_they_can_be_made_and_the_pages_show_how(
    staff_app: StaffApp,
) -> None:
    now = staff_app.clock()
    for slug, until in (("open-result", now + timedelta(days=5)), ("over-result", now)):
        notice = Notice(
            slug=slug, kind="result", title=both("公示"), rows=(), objections_until=until,
            visible_from=now - timedelta(days=1),
        )  # fmt: skip
        await publish_notice(staff_app.database, notice)
    async with public_site(staff_app.settings) as client:
        early = await object_to(client)
        assert (early.status_code, "once voting has closed" in early.text) == (409, True)
        page = (await client.get("/en/notices/open-result")).text
        assert "You can object online during the notice period" in page
        assert 'href="/en/notices/open-result/objection"' in page
        over = (await client.get("/en/notices/over-result")).text
        assert "/en/notices/over-result/objection" not in over
        assert 'href="/en/objections"' in over
        late = await object_to(client, "/zh/notices/over-result/objection")
        assert (late.status_code, "已于" in late.text) == (409, True)
        assert (await object_to(client, "/zh/notices/none/objection")).status_code == 404
        number = number_in(await object_to(client, "/zh/notices/open-result/objection"))
        looked_up = await look_up(client, number, "zh")
        assert 'href="/zh/notices/open-result"' in looked_up.text
    reviewer = await staff_app.signed_in_client("reviewer")
    assert "Notice open-result" in (await reviewer.get("/objections")).text


async def test_with_the_voters_key_falls_what_was_written_and_another_master_key_reads_it_before(
    staff_app: StaffApp,
) -> None:
    await close(staff_app)
    key, other = staff_app.settings.master_key.get_secret_value(), b"n" * 32
    async with public_site(staff_app.settings) as client:
        number = number_in(await object_to(client))
        [objection] = await load_objections(staff_app.database, 1)
        supervisor = await staff_app.signed_in_client("supervisor")
        await supervisor.post(f"/objections/{objection.id}/answer", data={"answer": ANSWER})
        owner = await connect(staff_app.settings.owner_database_url or "")
        try:
            assert await rewrap_objections(owner, MasterKey.of(other, key)) == 2
            read = await load_objection(owner, other, objection.id)
            assert (read.written and read.written.name, read.state.answer) == (
                WRITTEN["name"], ANSWER,
            )  # fmt: skip
            assert await rewrap_objections(owner, MasterKey.of(key, other)) == 2
            assert await rewrap_objections(owner, MasterKey.of(key, other)) == 0
            await owner.execute("delete from contest_keys where purpose = 'voters'")
        finally:
            await owner.close()
        looked_up = await look_up(client, number)
        assert "has been erased" in looked_up.text
    assert "Erased: with the contest" in (await supervisor.get(f"/objections/{objection.id}")).text


async def test_the_console_s_pages_read_well(staff_app: StaffApp, desktop: Page) -> None:
    await close(staff_app)
    async with public_site(staff_app.settings) as client:
        await object_to(client)
    await staff_app.sign_in(desktop, "tally_clerk", "/objections")
    await assert_accessible(desktop)
    await desktop.get_by_role("table").get_by_role("link").click()
    await assert_accessible(desktop)
