"""What every page of the console keeps to: headers, languages, errors, and people of all kinds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    tab_to,
)
from tests.browser.guard import Guard
from tests.browser.pages import DESKTOP, open_page
from tests.sites.console.running_staff_app import PASSWORD, StaffApp
from tests.sites.public.api.running_service import MovedClock
from voting_service.i18n.text import LANGUAGES
from voting_service.staff.accounts.invitations import invite
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.service import propose
from voting_service.voting.cut.approval_kinds import LOT

SENT = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


async def test_every_page_states_what_browsers_must_refuse(staff_app: StaffApp) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    for path in ("/sign-in?next=/", "/", "/account", "/nothing", "/accounts"):
        client = staff_app.client() if path.startswith("/sign-in") else auditor
        answer = await client.get(path)
        assert answer.headers["content-type"].startswith("text/html")
        for name, value in SENT.items():
            assert answer.headers[name] == value, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


async def test_cookies_over_https_belong_to_this_host_alone(staff_app: StaffApp) -> None:
    settings = staff_app.state.settings
    staff_app.state.settings = settings.model_copy(update={"staff_url": "https://desk.example"})
    await staff_app.account("auditor")
    browser = staff_app.client()
    form = {"name": "auditor-1", "password": PASSWORD, "code": staff_app.code("auditor-1")}
    cookie = (await browser.post("/sign-in", data=form)).headers["set-cookie"]
    assert cookie.startswith("__Host-staff=")
    for part in ("Path=/", "Secure", "HttpOnly", "SameSite=strict"):
        assert part in cookie
    assert "Domain" not in cookie


async def test_the_language_is_the_browsers_until_one_is_chosen(staff_app: StaffApp) -> None:
    browser = staff_app.client(**{"accept-language": "zh-CN"})
    assert "登录" in (await browser.get("/sign-in")).text
    answer = await browser.get("/language/en?next=/sign-in%3Fnext%3D/x")
    assert answer.headers["location"] == "/sign-in?next=/x"
    assert "Sign in" in (await browser.get("/sign-in")).text
    assert (await browser.get("/language/fr")).status_code == 404


def keys(texts: object, prefix: str = "") -> set[str]:
    if not isinstance(texts, dict):
        return {prefix}
    return {key for name, inner in texts.items() for key in keys(inner, f"{prefix}.{name}")}


async def test_every_text_exists_in_both_languages(staff_app: StaffApp) -> None:
    chinese, english = (keys(staff_app.state.theme.texts(language)) for language in LANGUAGES)
    assert chinese == english
    assert ".layout.site.title" in chinese


async def test_errors_are_pages_for_people_and_problems_for_programs(staff_app: StaffApp) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    page = await auditor.get("/contests/nothing-2022")
    assert page.status_code == 404
    assert "Page not found" in page.text
    assert "auditor-1" in page.text
    data = await auditor.get("/contests/nothing-2022", headers={"accept": "application/json"})
    assert data.headers["content-type"] == "application/problem+json"
    nobody = await staff_app.client().get("/account", headers={"accept": "application/json"})
    assert (nobody.status_code, nobody.json()["type"]) == (401, "/problems/not-signed-in")
    assert (await auditor.post("/account", data={})).status_code == 405
    too_large = await auditor.post("/sign-out", data={"x": "x" * 70_000})
    assert too_large.status_code == 413
    repeated = await auditor.post("/account/end-session", data={"session": ["a", "b"]})
    assert repeated.status_code == 422


async def test_health_needs_no_session(staff_app: StaffApp) -> None:
    browser = staff_app.client()
    assert (await browser.get("/healthz")).json() == {"status": "ok"}
    assert (await browser.get("/readyz")).json()["status"] == "ready"
    assert (await browser.get("/metrics")).status_code == 404
    result = (await browser.get("/sign-in")).text.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = await browser.get(result)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/css")
    assert "immutable" in answer.headers["cache-control"]


async def test_home_states_what_waits_for_a_second_person(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    clerk = await staff_app.account("tally_clerk")
    home = await (await staff_app.signed_in_client("supervisor")).get("/")
    assert "Nothing is waiting" in home.text
    await propose(
        Actor(staff_app.database, clerk, clock()),
        staff_app.contest,
        kind=LOT,
        subject="1,2",
        payload={"drawn": 1},
    )
    home = await (await staff_app.signed_in_client("supervisor")).get("/")
    assert "Nothing is waiting" not in home.text
    assert "tally_clerk-1" in home.text


async def test_everyone_can_use_the_pages(
    staff_app: StaffApp, desktop: Page, clock: MovedClock
) -> None:
    await desktop.goto(f"{staff_app.origin}/sign-in")
    await assert_accessible(desktop)
    await staff_app.sign_in(desktop, "administrator")
    clerk = await staff_app.account("tally_clerk")
    admin = staff_app.accounts["administrator-1"]
    token = await invite(staff_app.database, admin, "auditor", "审计", clock())
    for path in ("/", "/accounts", f"/accounts/{clerk.id}", "/account", f"/invitation/{token}"):
        await desktop.goto(staff_app.origin + path)
        await assert_accessible(desktop)
    clock.offset += timedelta(minutes=6)
    await desktop.goto(f"{staff_app.origin}/accounts")
    await desktop.fill("#note", "另一位")
    await desktop.click("text=生成链接")
    await desktop.wait_for_url("**/confirm?next=/accounts")
    await assert_accessible(desktop)
    await desktop.fill("#proof", PASSWORD)
    await desktop.click("main form button")
    await desktop.wait_for_url("**/accounts")
    await desktop.fill("#note", "另一位")
    await expect(desktop.locator("[data-kept]")).to_contain_text("核对后再次提交：点“生成链接”")
    await desktop.get_by_role("button", name="生成链接").click()
    assert "/invitation/" in await desktop.input_value("#link")
    await assert_accessible(desktop)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_can_be_read_by_day_and_night_and_on_a_phone(
    staff_app: StaffApp, chromium: Browser, guard: Guard, scheme: str
) -> None:
    guard.expect(r"404 \(Not Found\)")
    phone = {**DESKTOP, "viewport": {"width": 390, "height": 844}}
    async with open_page(chromium, guard, **phone, color_scheme=scheme, locale="en-GB") as page:
        await page.goto(f"{staff_app.origin}/sign-in")
        await assert_accessible(page)
        await assert_nothing_lost(page)
        await staff_app.sign_in(page, "auditor")
        await assert_accessible(page)
        await page.goto(f"{staff_app.origin}/nothing")
        await assert_accessible(page)
        await assert_nothing_lost(page)


async def test_a_keyboard_is_enough_to_sign_in(staff_app: StaffApp, desktop: Page) -> None:
    await staff_app.account("supervisor")
    await desktop.goto(f"{staff_app.origin}/sign-in")
    await expect(desktop.locator("#name")).to_be_focused()
    await desktop.keyboard.type("supervisor-1")
    await tab_to(desktop, "密码")
    await desktop.keyboard.type(PASSWORD)
    await tab_to(desktop, "动态验证码")
    await desktop.keyboard.type(staff_app.code("supervisor-1"))
    await desktop.keyboard.press("Enter")
    await desktop.wait_for_url(staff_app.origin + "/")
    await tab_to(desktop, "退出登录")
    await desktop.keyboard.press("Enter")
    await desktop.wait_for_url("**/sign-in")
