"""What every page of the desk keeps to: headers, languages, errors, and people of all kinds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    tab_to,
)
from tests.browser.conftest import DESKTOP
from tests.browser.guard import Guard
from tests.sites.console.running_office import PASSWORD, Office
from tests.sites.public.api.running_service import MovedClock
from voting_service.i18n.text import LANGUAGES
from voting_service.staff.accounts.invitations import invite
from voting_service.staff.approvals.service import propose
from voting_service.voting.cut.approval_kinds import LOT

SENT = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


async def test_every_page_says_what_browsers_must_refuse(office: Office) -> None:
    auditor = await office.signed_in_client("auditor")
    for path in ("/sign-in?next=/", "/", "/account", "/nothing", "/accounts"):
        client = office.client() if path.startswith("/sign-in") else auditor
        answer = await client.get(path)
        assert answer.headers["content-type"].startswith("text/html")
        for name, value in SENT.items():
            assert answer.headers[name] == value, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


async def test_cookies_over_https_belong_to_this_host_alone(office: Office) -> None:
    settings = office.state.settings
    office.state.settings = settings.model_copy(update={"office_url": "https://desk.example"})
    await office.account("auditor")
    browser = office.client()
    form = {"name": "auditor-1", "password": PASSWORD, "code": office.code("auditor-1")}
    cookie = (await browser.post("/sign-in", data=form)).headers["set-cookie"]
    assert cookie.startswith("__Host-staff=")
    for part in ("Path=/", "Secure", "HttpOnly", "SameSite=strict"):
        assert part in cookie
    assert "Domain" not in cookie


async def test_the_language_is_the_browsers_until_one_is_chosen(office: Office) -> None:
    browser = office.client(**{"accept-language": "zh-CN"})
    assert "登录" in (await browser.get("/sign-in")).text
    answer = await browser.get("/language/en?next=/sign-in%3Fnext%3D/x")
    assert answer.headers["location"] == "/sign-in?next=/x"
    assert "Sign in" in (await browser.get("/sign-in")).text
    assert (await browser.get("/language/fr")).status_code == 404


def keys(texts: object, prefix: str = "") -> set[str]:
    if not isinstance(texts, dict):
        return {prefix}
    return {key for name, inner in texts.items() for key in keys(inner, f"{prefix}.{name}")}


async def test_every_text_exists_in_both_languages(office: Office) -> None:
    chinese, english = (keys(office.state.theme.texts(language)) for language in LANGUAGES)
    assert chinese == english
    assert ".layout.site.title" in chinese


async def test_errors_are_pages_for_people_and_problems_for_programs(office: Office) -> None:
    auditor = await office.signed_in_client("auditor")
    page = await auditor.get("/contests/nothing-2022")
    assert page.status_code == 404
    assert "Page not found" in page.text
    assert "auditor-1" in page.text
    data = await auditor.get("/contests/nothing-2022", headers={"accept": "application/json"})
    assert data.headers["content-type"] == "application/problem+json"
    nobody = await office.client().get("/account", headers={"accept": "application/json"})
    assert (nobody.status_code, nobody.json()["type"]) == (401, "/problems/not-signed-in")
    assert (await auditor.post("/account", data={})).status_code == 405
    too_large = await auditor.post("/sign-out", data={"x": "x" * 70_000})
    assert too_large.status_code == 413
    repeated = await auditor.post("/account/end-session", data={"session": ["a", "b"]})
    assert repeated.status_code == 422


async def test_health_needs_no_session(office: Office) -> None:
    browser = office.client()
    assert (await browser.get("/healthz")).json() == {"status": "ok"}
    assert (await browser.get("/readyz")).json()["status"] == "ready"
    assert "voting_" in (await browser.get("/metrics")).text
    found = (await browser.get("/sign-in")).text.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = await browser.get(found)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/css")
    assert "immutable" in answer.headers["cache-control"]


async def test_home_says_what_waits_for_a_second_person(office: Office, clock: MovedClock) -> None:
    clerk = await office.account("tally_clerk")
    home = await (await office.signed_in_client("auditor")).get("/")
    assert "Nothing is waiting" in home.text
    await propose(
        office.database,
        office.contest,
        clerk,
        kind=LOT,
        subject="1,2",
        payload={"drawn": 1},
        now=clock(),
    )
    home = await (await office.signed_in_client("auditor")).get("/")
    assert "Nothing is waiting" not in home.text
    assert "tally_clerk-1" in home.text


async def test_everyone_can_use_the_pages(office: Office, desktop: Page, clock: MovedClock) -> None:
    await desktop.goto(f"{office.origin}/sign-in")
    await assert_accessible(desktop)
    await office.sign_in(desktop, "administrator")
    clerk = await office.account("tally_clerk")
    admin = office.accounts["administrator-1"]
    token = await invite(office.database, admin, "auditor", "审计", clock())
    for path in ("/", "/accounts", f"/accounts/{clerk.id}", "/account", f"/invitation/{token}"):
        await desktop.goto(office.origin + path)
        await assert_accessible(desktop)
    clock.offset += timedelta(minutes=6)
    await desktop.goto(f"{office.origin}/accounts")
    await desktop.fill("#note", "另一位")
    await desktop.click("text=生成链接")
    await desktop.wait_for_url("**/confirm?next=/accounts")
    await assert_accessible(desktop)
    await desktop.fill("#proof", PASSWORD)
    await desktop.click("main form button")
    await desktop.wait_for_url("**/accounts")
    await desktop.fill("#note", "另一位")
    await desktop.click("text=生成链接")
    assert "/invitation/" in await desktop.input_value("#link")
    await assert_accessible(desktop)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_can_be_read_by_day_and_night_and_on_a_phone(
    office: Office, chromium: Browser, guard: Guard, scheme: str
) -> None:
    guard.expect(r"404 \(Not Found\)")
    phone = {**DESKTOP, "viewport": {"width": 390, "height": 844}}
    context = await chromium.new_context(**phone, color_scheme=scheme, locale="en-GB")  # type: ignore[arg-type]
    guard.watch(context)
    page = await context.new_page()
    await page.goto(f"{office.origin}/sign-in")
    await assert_accessible(page)
    await assert_nothing_lost(page)
    await office.sign_in(page, "auditor")
    await assert_accessible(page)
    await page.goto(f"{office.origin}/nothing")
    await assert_accessible(page)
    await assert_nothing_lost(page)
    await context.close()


async def test_a_keyboard_is_enough_to_sign_in(office: Office, desktop: Page) -> None:
    await office.account("supervisor")
    await desktop.goto(f"{office.origin}/sign-in")
    await expect(desktop.locator("#name")).to_be_focused()
    await desktop.keyboard.type("supervisor-1")
    await tab_to(desktop, "密码")
    await desktop.keyboard.type(PASSWORD)
    await tab_to(desktop, "动态验证码")
    await desktop.keyboard.type(office.code("supervisor-1"))
    await desktop.keyboard.press("Enter")
    await desktop.wait_for_url(office.origin + "/")
    await tab_to(desktop, "退出")
    await desktop.keyboard.press("Enter")
    await desktop.wait_for_url("**/sign-in")
