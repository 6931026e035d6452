"""Deadline, quotas, titles and contacts of bodies change by two people; the joint office's contacts
by one, at once."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

import voting_service
from tests.browser.accessibility import assert_accessible, assert_nothing_lost
from tests.browser.guard import Guard
from tests.nomination.form.people import id_number
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import SLUG, Chosen, move_window
from tests.sites.nomination.recommendations.posting import LIST
from tests.sites.nomination.recommendations.recommendation_data import (
    drafted_in_north,
    person,
    submitted,
)
from tests.sites.nomination.recommendations.test_late_submissions import chosen_already
from tests.staff.messages.conftest import give_address
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.repository import load_selection
from voting_service.staff.accounts.model import Account

SETTINGS = f"/selections/{SLUG}/settings"
CONTACTS = f"{SETTINGS}/body-contacts"
QUOTAS = {"district_quota": "8", "department_quota": "4", "reason": "申报踊跃"}
TITLES = {
    "title_zh": "最美巴渝工匠选树",
    "title_en": "",
    "award_zh": "巴渝工匠",
    "award_en": "Craft",
}


def local(chosen: Chosen, moment: datetime) -> str:
    return f"{moment.astimezone(chosen.selection.zone):%Y-%m-%dT%H:%M}"


async def newest(staff_app: StaffApp) -> int:
    number: int = await staff_app.database.fetchval("select max(id) from approval_requests")
    return number


async def stored(staff_app: StaffApp) -> Selection:
    return await load_selection(staff_app.database, SLUG)


async def propose(client: StaffClient, section: str, form: dict[str, str]) -> None:
    answer = await client.post(f"{SETTINGS}/change/{section}", data=form)
    assert answer.headers.get("location") == f"{SETTINGS}?done=proposed", answer.text


async def test_two_people_extend_the_deadline_and_the_old_one_stays_in_sight(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    draft = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    now = staff_app.clock()
    over = (now - timedelta(minutes=1)).replace(second=0, microsecond=0)
    await move_window(staff_app, chosen.selection, now - timedelta(days=30), over)
    client = await staff_app.signed_in_client("recommender", officer.name)
    form = {"revision": str(draft.revision)}
    assert (await client.post(f"{LIST}/{draft.id}/submit", data=form)).status_code == 409

    first = await staff_app.signed_in_client("reviewer")
    second = await staff_app.signed_in_client("supervisor")
    for account in (officer, await staff_app.account("supervisor")):
        await give_address(staff_app.settings, account.id, f"{account.id}@example.org")
    until = now + timedelta(days=5)
    await propose(first, "deadline", {"closes_at": local(chosen, until), "reason": "<b>暴雨</b>"})
    assert (await stored(staff_app)).closes_at == over, "one person extends nothing"
    approve = f"{SETTINGS}/{await newest(staff_app)}/approve"
    assert (await first.post(approve, data={})).status_code == 409
    assert (await second.post(approve, data={})).headers["location"] == f"{SETTINGS}?done=approved"

    selection = await stored(staff_app)
    assert local(chosen, selection.closes_at) == local(chosen, until)
    [extension] = selection.extensions
    assert (extension.closed_at, extension.reason) == (over, "<b>暴雨</b>")
    reviewer_pages = (f"/selections/{SLUG}/late", f"/selections/{SLUG}/shortlist", SETTINGS)
    for reader, path in ((client, LIST), *((first, path) for path in reviewer_pages)):
        shown = (await reader.get(path)).text
        assert shown.count("Reason: &lt;b&gt;暴雨&lt;/b&gt;") == 1, path
        assert re.search(r"Was [^;]+; extended to [^;]+ on ", shown), path
    messages = await staff_app.database.fetch("select recipient, path, params from messages")
    [message] = [row for row in messages if "before" in row["params"]]
    assert (message["recipient"], message["path"]) == (officer.name, LIST)
    [proposed] = [row for row in messages if "what" in row["params"]]
    assert proposed["params"]["what"]["en"] == "a later deadline for recommendations"
    assert (proposed["recipient"], proposed["path"]) == ("supervisor-1", SETTINGS)
    sent = await client.post(f"{LIST}/{draft.id}/submit", data=form)
    assert sent.headers["location"] == f"{LIST}/{draft.id}/receipt", "open for all again"


def test_every_page_with_the_deadline_shows_its_extensions() -> None:
    """And writes midnight as the end of the day before, of every term."""
    pages = Path(voting_service.__file__).parent.joinpath("sites", "nomination")
    with_deadline = [
        path for path in pages.rglob("*.html") if "closes_at)" in path.read_text(encoding="utf-8")
    ]
    assert len(with_deadline) >= 5
    for path in pages.rglob("*.html"):
        as_moment = re.search(
            r"\bmoment\((?:parsed\()?[\w.]*(?:until|objections_end|term)\b",
            path.read_text(encoding="utf-8"),
        )
        assert not as_moment, path
    for path in with_deadline:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"moment\(\w+\.closes_at\)", text), path
        if path.name != "deadline.html":
            assert re.search(r"extensions\(\w+\) \}\}", text), path


async def test_a_change_that_cannot_be_is_refused_beside_its_field(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    client = await staff_app.signed_in_client("reviewer")
    deadline = chosen.selection.closes_at
    later = local(chosen, deadline + timedelta(days=1))
    refused: list[tuple[str, dict[str, str], str]] = [
        ("deadline", {"closes_at": "", "reason": "暴雨"}, "closes_at"),
        (
            "deadline",
            {"closes_at": local(chosen, deadline - timedelta(1)), "reason": "雨"},
            "closes_at",
        ),
        (
            "deadline",
            {"closes_at": local(chosen, deadline + timedelta(99)), "reason": "雨"},
            "closes_at",
        ),
        ("deadline", {"closes_at": later, "reason": " "}, "reason"),
        ("deadline", {"closes_at": later, "reason": f"本人{id_number()}"}, "reason"),
        ("quotas", {**QUOTAS, "district_quota": "0"}, "district_quota"),
        ("quotas", {**QUOTAS, "department_quota": "many"}, "department_quota"),
        ("titles", {**TITLES, "title_zh": "", "reason": "更名"}, "title_zh"),
        ("titles", {**TITLES, "award_en": "x" * 61, "reason": "更名"}, "award_en"),
        ("contacts", {"telephone": "1" * 121}, "telephone"),
    ]
    for section, form, field in refused:
        path = section if section == "contacts" else f"change/{section}"
        answer = await client.post(f"{SETTINGS}/{path}", data=form)
        assert answer.status_code == 422, form
        assert f'id="{field}-faults"' in answer.text, form
        for name, value in form.items():
            kept = f">{value}</textarea>" if name == "reason" else f'value="{value}"'
            assert kept in answer.text, "what was typed is still there"
    same = {"district_quota": "6", "department_quota": "3", "reason": "不变"}
    assert (await client.post(f"{SETTINGS}/change/quotas", data=same)).status_code == 409
    assert (await client.post(f"{SETTINGS}/change/slug", data={})).status_code == 404
    await propose(client, "quotas", QUOTAS)
    again = await client.post(f"{SETTINGS}/change/quotas", data=QUOTAS)
    assert (again.status_code, "waits for approval" in again.text) == (409, True)


async def test_quotas_are_not_below_what_is_taken_and_the_database_agrees(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    body = chosen.bodies["north"]
    for number in (1, 2):
        form = person(number)
        await submitted(staff_app.database, keys, chosen, body=body, officer=officer, form=form)
    first = await staff_app.signed_in_client("reviewer")
    second = await staff_app.signed_in_client("supervisor")
    await propose(first, "quotas", {**QUOTAS, "district_quota": "1"})
    low = await second.post(f"{SETTINGS}/{await newest(staff_app)}/approve", data={})
    assert (low.status_code, "already taken more places" in low.text) == (409, True)
    assert "申报踊跃" in low.text, "the page, not a bare refusal"
    decline = f"{SETTINGS}/{await newest(staff_app)}/decline"
    assert (await second.post(decline, data={"because": "太少"})).status_code == 303
    await propose(first, "quotas", QUOTAS)
    await second.post(f"{SETTINGS}/{await newest(staff_app)}/approve", data={})
    selection = await stored(staff_app)
    assert (selection.district_quota, selection.department_quota) == (8, 4)
    client = await staff_app.signed_in_client("recommender", officer.name)
    assert "2 / 8" in (await client.get(LIST)).text


async def test_a_title_is_changed_and_what_changed_since_is_refused(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    first = await staff_app.signed_in_client("reviewer")
    second = await staff_app.signed_in_client("supervisor")
    await propose(first, "titles", {**TITLES, "reason": "更正名称"})
    waiting = await newest(staff_app)
    await second.post(f"{SETTINGS}/{waiting}/approve", data={})
    rules = (await stored(staff_app)).rules
    assert (rules.title.zh, rules.title.en) == (TITLES["title_zh"], TITLES["title_zh"])
    assert rules.award.en == "Craft"
    await propose(first, "quotas", QUOTAS)
    late = await newest(staff_app)
    owner = staff_app.settings.migration_url
    await as_owner(owner, "update nomination.selections set district_quota = 7")
    refused = await second.post(f"{SETTINGS}/{late}/approve", data={})
    assert (refused.status_code, "changed since this was proposed" in refused.text) == (409, True)
    page = (await second.get(SETTINGS)).text
    assert "申报踊跃" in page
    assert "更正名称" in page


async def as_owner(url: str, statement: str, *values: Any) -> None:
    connection = await connect(url)
    await connection.execute(statement, *values)
    await connection.close()


async def test_nothing_but_titles_and_contacts_changes_after_the_shortlist(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    first = await staff_app.signed_in_client("reviewer")
    second = await staff_app.signed_in_client("supervisor")
    later = local(chosen, chosen.selection.closes_at + timedelta(days=1))
    await propose(first, "deadline", {"closes_at": later, "reason": "暴雨"})
    await chosen_already(staff_app, chosen)
    waiting = await staff_app.database.fetchval(
        "select id from approval_requests where kind = 'selection_settings'"
    )
    refused = await second.post(f"{SETTINGS}/{waiting}/approve", data={})
    assert (refused.status_code, "shortlist has been decided" in refused.text) == (409, True)
    assert (await stored(staff_app)).closes_at == chosen.selection.closes_at


async def test_one_person_changes_contacts_and_only_those(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    client = await staff_app.signed_in_client("reviewer")
    form = {
        "telephone": "023-12345678",
        "contact_person": "办公室",
        "contact_zh": "来信",
        "title": "x",
    }
    saved = await client.post(f"{SETTINGS}/contacts", data=form)
    assert saved.headers["location"] == f"{SETTINGS}?done=contacts"
    rules = (await stored(staff_app)).rules
    assert (rules.telephone, rules.contact_person) == ("023-12345678", "办公室")
    assert rules.contact is not None
    assert rules.contact.en == "来信"
    assert rules.office_address is None
    assert rules.title == chosen.selection.title
    forbidden = '{"winners": 1, "telephone": "1"}'
    await staff_app.database.execute(
        "select nomination.change_contacts($1, $2::text::jsonb)", chosen.selection.id, forbidden
    )
    assert (await stored(staff_app)).rules.winners == 10


async def test_two_people_state_whom_to_call_at_a_body_and_both_sides_see_it(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    body = chosen.bodies["north"]
    recommended = await submitted(
        staff_app.database, keys, chosen, body=body, officer=officer, form=person(1)
    )
    first = await staff_app.signed_in_client("reviewer")
    second = await staff_app.signed_in_client("supervisor")
    form = {"person-north": "技能科", "telephone-north": "０２３-6789 0123", "reason": "首次登记"}
    wrong = await first.post(CONTACTS, data={**form, "telephone-north": "六七八九"})
    assert wrong.status_code == 422
    assert 'id="telephone-north-faults"' in wrong.text
    assert 'value="六七八九"' in wrong.text
    proposed = await first.post(CONTACTS, data=form)
    assert proposed.headers["location"] == f"{SETTINGS}?done=proposed", proposed.text
    assert not (await stored(staff_app)).rules.body_contacts, "one person states nothing"
    waiting = await newest(staff_app)
    assert (await first.post(f"{SETTINGS}/{waiting}/approve", data={})).status_code == 409
    shown = (await second.get(SETTINGS)).text
    assert "技能科 023-6789 0123" in shown
    assert (await second.post(f"{SETTINGS}/{waiting}/approve", data={})).status_code == 303

    client = await staff_app.signed_in_client("recommender", officer.name)
    review = f"/selections/{SLUG}/review"
    for reader, path in (
        (client, LIST),
        (first, f"{review}/{recommended.id}"),
        (first, f"{review}/coverage"),
        (await staff_app.signed_in_client("auditor"), "/bodies"),
        (await staff_app.signed_in_client("auditor"), CONTACTS),
    ):
        page = (await reader.get(path)).text
        assert "技能科" in page, path
        assert "023-6789 0123" in page, path
    assert (await client.get(CONTACTS)).status_code == 403
    same = await first.post(CONTACTS, data=form)
    assert same.status_code == 409
    await as_owner(
        staff_app.settings.migration_url,
        "update nomination.selections set rules = rules - 'body_contacts'",
    )
    await first.post(CONTACTS, data=form)
    await as_owner(
        staff_app.settings.migration_url,
        "update nomination.selections set rules = jsonb_set(rules, '{body_contacts}', $1::jsonb)",
        {"north": {"person": "", "telephone": "12333"}},
    )
    late = await second.post(f"{SETTINGS}/{await newest(staff_app)}/approve", data={})
    assert (late.status_code, "changed since this was proposed" in late.text) == (409, True)


@pytest.mark.parametrize("role", ["auditor", "administrator", "recommender", "expert"])
async def test_other_roles_change_nothing(staff_app: StaffApp, chosen: Chosen, role: Any) -> None:
    client = await staff_app.signed_in_client(role)
    assert (await client.get(SETTINGS)).status_code == (200 if role == "auditor" else 403)
    for path in ("change/quotas", "contacts", "body-contacts", "1/approve", "1/decline"):
        assert (await client.post(f"{SETTINGS}/{path}", data={})).status_code == 403, path


async def test_the_pages_are_accessible(
    staff_app: StaffApp, chosen: Chosen, desktop: Page, guard: Guard
) -> None:
    guard.expect("status of 422")  # what the first form is answered
    await staff_app.sign_in(desktop, "reviewer", SETTINGS)
    await desktop.fill("#reason-deadline", "暴雨")
    await desktop.click("button:has-text('提请延长')")  # at the same time as now: refused
    await expect(desktop.locator("#closes_at-faults")).to_contain_text("须晚于现在")
    await expect(desktop.locator("#reason-deadline")).to_have_value("暴雨")
    await assert_accessible(desktop)
    await assert_nothing_lost(desktop)
    later = local(chosen, chosen.selection.closes_at + timedelta(days=2))
    await desktop.fill("#closes_at", later)
    await desktop.click("button:has-text('提请延长')")
    await expect(desktop.locator("main")).to_contain_text("请另一位同事批准")
    await assert_accessible(desktop)
    await desktop.goto(f"{staff_app.origin}{CONTACTS}")
    await assert_accessible(desktop)
    await assert_nothing_lost(desktop)
    await desktop.goto(f"{staff_app.origin}{SETTINGS}/earlier-winners")
    await assert_accessible(desktop)
