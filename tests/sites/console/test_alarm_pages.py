"""Alarms at the console: on top until somebody has seen them, and the way to the ballots."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    tab_to,
)
from tests.contest_data import store_contest, store_platform
from tests.sites.console.running_staff_app import StaffApp
from voting_service.antifraud.alarms.detection import Alarm, AlarmSubject
from voting_service.antifraud.alarms.messages import alarm_message
from voting_service.antifraud.alarms.repository import (
    load_alarms,
    minute_number,
    store_alarm,
)
from voting_service.i18n.text import LANGUAGES
from voting_service.staff.accounts.model import Role

BASE = "/contests/test-2022"
FARM = b"farmfarm"
SUBJECTS = (
    AlarmSubject("candidate", candidate=4),
    AlarmSubject("network", candidate=4, network=FARM),
    AlarmSubject("platform", platform=1),
)


@pytest.fixture
async def raised(staff_app: StaffApp) -> list[int]:
    """Three alarms of ten minutes ago; their ids."""
    await store_platform(staff_app.database)
    await staff_app.refresh()
    return [await raise_alarm(staff_app, subject) for subject in SUBJECTS]


async def raise_alarm(staff_app: StaffApp, subject: AlarmSubject, minutes_ago: int = 10) -> int:
    now = staff_app.clock()
    alarm = Alarm(
        minute_number(now - timedelta(minutes=minutes_ago)),
        subject,
        15,
        41.0,
        3.2,
        30.0,
        "one_network",
    )
    names = {candidate.number: candidate.name for candidate in staff_app.contest.candidates}
    words = alarm_message(alarm, names, {})
    assert await store_alarm(staff_app.database, staff_app.contest.id, alarm, words, now)
    return (await load_alarms(staff_app.database, staff_app.contest.id, limit=1))[0].id


def shown(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'data-alarm="(\d+)"', text)]


async def test_an_alarm_is_on_top_until_somebody_has_seen_it(
    staff_app: StaffApp, raised: list[int]
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    for path in ("/", BASE, f"{BASE}/alarms/new"):
        assert shown((await clerk.get(path)).text) == raised[::-1], path
    answer = await clerk.post(f"{BASE}/alarms/{raised[0]}/seen", data={"back": BASE})
    assert (answer.status_code, answer.headers["location"]) == (303, BASE)
    assert shown((await supervisor.get("/")).text) == raised[:0:-1]
    await supervisor.post(f"{BASE}/alarms/{raised[0]}/seen", data={"back": "//evil.example"})
    everything = (await supervisor.get(f"{BASE}/alarms")).text
    assert "tally_clerk-1" in everything
    assert "supervisor-1<br>" not in everything
    rows = await staff_app.database.fetch(
        "select actor, contest, subject from audit_log where act = 'alarm_seen'"
    )
    assert [tuple(row) for row in rows] == [("tally_clerk-1", "test-2022", f"alarm {raised[0]}")]


async def test_the_way_leads_to_the_ballots_behind_it(
    staff_app: StaffApp, raised: list[int]
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    page = (await clerk.get(BASE)).text
    matches = re.findall(rf'"({BASE}/window[^"]*)" aria-label', page)
    links = [link.replace("&amp;", "&") for link in matches]
    assert [set(link.split("&")[2:]) for link in links] == [
        {"platform=demo"},
        {"candidate=4", f"network={FARM.hex()}"},
        {"candidate=4"},
    ]
    for link in links:
        assert (await clerk.get(link)).status_code == 200


async def test_many_alarms_leave_the_page_readable(staff_app: StaffApp) -> None:
    ids = [await raise_alarm(staff_app, SUBJECTS[0], 10 + n) for n in range(8)]
    clerk = await staff_app.signed_in_client("tally_clerk")
    page = await clerk.get(BASE)
    assert shown(page.text) == ids[:2:-1]
    assert "Earlier unseen alarms" in page.text
    assert len(re.findall('<th scope="row">', (await clerk.get(f"{BASE}/alarms")).text)) == 8


@pytest.mark.parametrize(
    ("role", "may_read", "may_see"),
    [
        ("tally_clerk", True, True), ("supervisor", True, True), ("auditor", True, False),
        ("reviewer", False, False), ("administrator", False, False),
    ],
)  # fmt: skip
async def test_who_may_read_and_who_may_answer(
    staff_app: StaffApp, raised: list[int], role: Role, may_read: bool, may_see: bool
) -> None:
    client = await staff_app.signed_in_client(role)
    home = await client.get("/")
    assert bool(shown(home.text)) == may_read
    assert ("/seen" in home.text) == may_see
    assert (await client.get(f"{BASE}/alarms")).status_code == (200 if may_read else 403)
    assert (await client.get(f"{BASE}/alarms/new")).status_code == (200 if may_read else 403)
    answer = await client.post(f"{BASE}/alarms/{raised[0]}/seen", data={})
    assert answer.status_code == (303 if may_see else 403)
    seen = await load_alarms(staff_app.database, staff_app.contest.id, seen=True, limit=9)
    assert [alarm.id for alarm in seen] == ([raised[0]] if may_see else [])


async def test_an_alarm_belongs_to_its_contest(staff_app: StaffApp, raised: list[int]) -> None:
    await store_contest(staff_app.database, b"m" * 32, slug="other")
    await staff_app.refresh()
    clerk = await staff_app.signed_in_client("tally_clerk")
    for path in (f"/contests/other/alarms/{raised[0]}/seen", f"{BASE}/alarms/999/seen"):
        assert (await clerk.post(path, data={})).status_code == 404
    assert "There have been no alarms" in (await clerk.get("/contests/other/alarms")).text
    unmarked = staff_app.client(await staff_app.token("supervisor"))
    unmarked.token = ""
    refused = await unmarked.post(f"{BASE}/alarms/{raised[0]}/seen", data={"back": "/"})
    assert refused.status_code == 403
    assert await load_alarms(staff_app.database, staff_app.contest.id, seen=True, limit=9) == ()


async def test_a_new_alarm_comes_to_an_open_page_and_is_answered_by_keyboard(
    staff_app: StaffApp, desktop: Page
) -> None:
    await store_platform(staff_app.database)
    await staff_app.refresh()
    await staff_app.sign_in(desktop, "tally_clerk", BASE)
    await expect(desktop.locator("[data-alarm]")).to_have_count(0)
    await raise_alarm(staff_app, SUBJECTS[1])
    await desktop.evaluate("document.querySelector('[data-new-alarms]').refresh()")
    await expect(desktop.locator("[data-alarm]")).to_contain_text("没有因此暂扣任何选票")
    await assert_accessible(desktop)
    await tab_to(desktop, "查看警报")
    await tab_to(desktop, "已查看")
    await desktop.keyboard.press("Enter")
    await desktop.wait_for_url(f"{staff_app.origin}{BASE}")
    await expect(desktop.locator("[data-alarm]")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_pages_are_for_everybody(
    staff_app: StaffApp, raised: list[int], desktop: Page, language: str
) -> None:
    await staff_app.sign_in(desktop, "supervisor")
    await desktop.goto(f"{staff_app.origin}/language/{language}?next=/")
    for path in ("/", f"{BASE}/alarms"):
        await desktop.goto(staff_app.origin + path)
        await assert_accessible(desktop)
        await assert_nothing_lost(desktop)
    for word in {"zh": ("单一网络增多", "查看人"), "en": ("Increase from one network", "Seen by")}[
        language
    ]:
        await expect(desktop.locator("main")).to_contain_text(word)
