"""Signing in at the console: the way in, the ways to be refused, and out again."""

from __future__ import annotations

from playwright.async_api import Page

from tests.sites.console.running_staff_app import PASSWORD, StaffApp


async def test_the_right_name_password_and_code_lead_where_one_was_going(
    staff_app: StaffApp,
) -> None:
    await staff_app.account("supervisor")
    browser = staff_app.client()
    answer = await browser.get("/confirm?next=/x")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/confirm%3Fnext%3D/x"
    answer = await browser.post(
        "/sign-in",
        data={
            "name": "supervisor-1",
            "password": PASSWORD,
            "code": staff_app.code("supervisor-1"),
            "next": "/account",
        },
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("staff=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    home = await browser.get("/")
    assert home.status_code == 200
    assert "supervisor-1" in home.text


async def test_people_sign_in_with_the_page(staff_app: StaffApp, desktop: Page) -> None:
    await staff_app.sign_in(desktop, "auditor")
    assert await desktop.title() == "首页 · 投票管理后台"
