"""The audit log at the console: who sees what, searching, paging, checking, taking it along."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.async_api import Page

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    tab_to,
)
from tests.contest_data import SLUG
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.staff.audit_log.chained import forging, stored
from voting_service.cli import root
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.console.audit_log.subject_links import Subject, read_subject
from voting_service.staff.accounts.model import Role
from voting_service.staff.audit_log.hash_chain import verify
from voting_service.staff.audit_log.json_lines import read_lines
from voting_service.staff.audit_log.model import ACTS
from voting_service.staff.audit_log.record import record


async def write(staff_app: StaffApp, lines: int, actor: str = "staff-7") -> None:
    for number in range(lines):
        await record(staff_app.database, actor, "viewed", contest=SLUG, subject=f"ballot {number}")


async def numbers(client: StaffClient, query: str = "") -> list[int]:
    answer = await client.get(f"/audit-log{query}")
    assert answer.status_code == 200, answer.text
    return [int(n) for n in re.findall(r'<td class="figure">(\d+)</td>', answer.text)]


@pytest.mark.parametrize("role", ["auditor", "supervisor", "administrator"])
async def test_some_see_everything(staff_app: StaffApp, role: str) -> None:
    await write(staff_app, 3)
    client = await staff_app.signed_in_client(role)  # type: ignore[arg-type]
    page = (await client.get("/audit-log")).text
    assert page.count("ballot ") == 3
    assert "staff-7" in page and "Check all entries now" in page


async def test_others_see_their_own_acts_whatever_they_ask_for(staff_app: StaffApp) -> None:
    await write(staff_app, 3)
    await write(staff_app, 1, actor="tally_clerk-1")
    client = await staff_app.signed_in_client("tally_clerk")
    for query in ("", "?actor=staff-7", "?words=ballot"):
        page = (await client.get(f"/audit-log{query}")).text
        assert "<td>staff-7" not in page and page.count("ballot 0") == 1
    assert "These are your own actions" in page
    for path in ("/audit-log/check", "/audit-log/export"):
        assert (await client.post(path, data={})).status_code == 403
    nobody = await staff_app.client().get("/audit-log")
    assert nobody.headers["location"].startswith("/sign-in")


async def test_searching_and_paging(staff_app: StaffApp) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    await write(staff_app, 120)
    await record(staff_app.database, "staff-8", "exported", subject="100% of_all",
                 details={"sha256": "abc", "to": {"zh": "延长", "en": ["more", 2]}})  # fmt: skip
    assert await numbers(auditor, "?actor=staff-8") == [121]
    assert await numbers(auditor, "?act=exported") == [121]
    assert await numbers(auditor, "?words=ABC") == [121]
    assert await numbers(auditor, "?words=100%25") == [121]
    assert await numbers(auditor, "?words=f_a") == [121]
    assert await numbers(auditor, "?words=t_+ball") == []
    assert await numbers(auditor, f"?contest={SLUG}&words=ballot+119") == [120]
    assert await numbers(auditor, "?contest=other") == []
    today = staff_app.clock().astimezone(staff_app.contest.zone).date()
    assert len(await numbers(auditor, f"?from={today}&to={today}")) == 100
    assert await numbers(auditor, f"?to={today.replace(year=2000)}") == []
    first = (await auditor.get("/audit-log?actor=staff-7")).text
    older = re.search(r'href="(/audit-log\?[^"]*before=\d+)"', first)
    assert older
    rest = await auditor.get(html.unescape(older[1]))
    assert re.findall(r'<td class="figure">(\d+)</td>', rest.text) == [
        str(n) for n in range(20, 0, -1)
    ]
    details = (await auditor.get("/audit-log?act=exported")).text
    assert "<dt>to.en</dt><dd>more, 2</dd><dt>to.zh</dt><dd>延长</dd>" in details


@pytest.mark.parametrize(
    "query", ["?from=soon", "?to=9999-12-31", "?before=x", "?before=-1", "?words=" + "x" * 201,
              "?actor=%00", "?from=%00"]
)  # fmt: skip
async def test_nonsense_is_named(staff_app: StaffApp, query: str) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    assert (await auditor.get(f"/audit-log{query}")).status_code == 422


async def test_nothing_written_gets_into_the_page(staff_app: StaffApp) -> None:
    await record(staff_app.database, "<b>x", "viewed", subject="<script>1</script>",
                 details={"<i>": "<img>"})  # fmt: skip
    page = (
        await (await staff_app.signed_in_client("auditor")).get("/audit-log?words=<script>")
    ).text
    assert "&lt;script&gt;" in page and "&lt;img&gt;" in page
    assert not re.search(r"<(b|i|img|script)>", page)


async def test_checking_now(staff_app: StaffApp, settings_owner: str) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    await write(staff_app, 5)
    assert "It has not been checked yet" in (await auditor.get("/audit-log")).text
    assert (await auditor.post("/audit-log/check", data={})).status_code == 303
    head = (await stored(staff_app.database))[-1]
    page = (await auditor.get("/audit-log")).text
    assert "Intact." in page and f"{head.entry}:{head.hash.hex()}" in page
    async with forging(settings_owner) as owner:
        await owner.execute("delete from audit_log where entry = 2")
        await owner.execute("update audit_log set actor = 'x' where entry = 4")
    await auditor.post("/audit-log/check", data={})
    page = (await auditor.get("/audit-log")).text
    assert "Not intact!" in page and "Intact." not in page
    assert "Entry 2: missing" in page
    assert "Entry 4: changed" in page


async def test_an_export_is_checked_far_from_here(
    staff_app: StaffApp, settings_owner: str, tmp_path: Path
) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    await write(staff_app, 450)
    answer = await auditor.post("/audit-log/export", data={})
    assert answer.status_code == 200
    entries = list(read_lines(answer.content.splitlines()))
    assert len(entries) == 450 and list(verify(entries)) == []
    newest = (await stored(staff_app.database))[-1]
    head = f"450:{entries[-1].hash.hex()}"
    assert (newest.actor, newest.act, newest.facts) == ("auditor-1", "exported", {"head": head})

    file = tmp_path / "journal.jsonl"
    file.write_bytes(answer.content)
    verified = CliRunner().invoke(root, ["audit-log", "verify", "--file", str(file)])
    assert verified.exit_code == 0 and head in verified.output
    file.write_bytes(answer.content.replace(b'ballot 7"', b'ballot 8"'))
    verified = CliRunner().invoke(root, ["audit-log", "verify", "--file", str(file)])
    assert verified.exit_code == 1
    assert "error: Entry 8: changed" in verified.output

    staff_app.clock.offset += timedelta(minutes=6)
    again = await auditor.post("/audit-log/export", data={})
    assert again.headers["location"].startswith("/confirm")


@pytest.fixture
def settings_owner(staff_app: StaffApp) -> str:
    return staff_app.settings.owner_database_url or ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_act_has_its_words(language: Language) -> None:
    acts = load_catalogue("audit_log", language)["acts"]
    assert set(acts) == set(ACTS)


async def test_it_is_read_with_any_eyes_and_hands(staff_app: StaffApp, desktop: Page) -> None:
    await staff_app.sign_in(desktop, "auditor", "/audit-log")
    await record(staff_app.database, "staff-7", "viewed", subject="x", details={"a": {"b": 1}})
    await desktop.reload()
    await tab_to(desktop, "立即核对全部记录")
    async with desktop.expect_navigation():
        await desktop.keyboard.press("Enter")
    await desktop.wait_for_selector("text=完整。")
    await tab_to(desktop, "展开")  # the table, which can be scrolled, and then its first line
    assert (await tab_to(desktop, "展开"))["tag"] == "summary"
    await desktop.keyboard.press("Enter")
    await desktop.wait_for_selector("dt:text-is('a.b')")
    await assert_accessible(desktop)
    await assert_nothing_lost(desktop)
    await desktop.click("text=English")
    await desktop.wait_for_selector("h1:text-is('Audit log')")
    await assert_accessible(desktop)


@pytest.mark.parametrize(
    ("recorded", "subject"),
    [
        ("hold 7", Subject("hold", "7", "/contests/c/holds/7")),
        ("picture of hold 7", Subject("picture", "7", "/contests/c/holds/7")),
        (f"ballot {'0a' * 16}", Subject("ballot", "0a" * 16, f"/contests/c/ballots/{'0a' * 16}")),
        ("approval 12", Subject("approval", "12", "/contests/c/approvals")),
        ("version 2, announcement", Subject("announcement", "2", "/contests/c/publication")),
        ("ballots of a stretch of time", Subject("stretch", "", "")),
        ("recommendation 9", Subject("recommendation", "9", "/selections/c/review/9")),
        ("review queue", Subject("queue", "", "/selections/c/review")),
        (
            "recommendations of north",
            Subject("body_recommendations", "north", "/selections/c/review?body=north"),
        ),
        ("objections", Subject("objections", "", "/selections/c/notice")),
        ("notice c-result", Subject("notice", "c-result", "/selections/c/notice")),
        ("hold 7/../8", Subject("", "hold 7/../8", "")),
        ("", Subject("", "", "")),
    ],
)
def test_what_a_line_is_about(recorded: str, subject: Subject) -> None:
    assert read_subject("c", recorded) == subject
    assert read_subject(None, recorded) == Subject("", recorded, "")


def test_a_selection_s_decision_leads_to_where_it_is_taken() -> None:
    read = [read_subject("c", "approval 12", kind).path for kind in ("ruling", "draw", "panel", 7)]
    assert read == ["/contests/c/approvals", "/selections/c/shortlist", "/selections/c/panel",
                    "/contests/c/approvals"]  # fmt: skip


async def test_a_line_leads_to_what_it_is_about(staff_app: StaffApp) -> None:
    await record(staff_app.database, "somebody", "viewed", contest="test-2022", subject="hold 7")
    readers: dict[Role, bool] = {"auditor": True, "administrator": False}
    for role, leads in readers.items():
        browser = staff_app.client(await staff_app.token(role), **{"accept-language": "zh-CN"})
        page = (await browser.get("/audit-log")).text
        assert "存疑选票批次 7" in page
        assert ('<a href="/contests/test-2022/holds/7">' in page) is leads
