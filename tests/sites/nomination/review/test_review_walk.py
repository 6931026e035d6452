"""From the queue to the opened vote, as two people of the joint office do it in a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page

from tests.browser.accessibility import assert_accessible, assert_accessible_in_every_mode
from tests.browser.chromium import TIMEOUT_MS
from tests.browser.guard import Guard
from tests.browser.pages import DESKTOP, open_page, press_and_confirm
from tests.contest_data import execute_as_owner
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen
from tests.sites.nomination.review.review_data import (
    PATH,
    age_notices,
    pass_until_known,
    store_submitted,
)
from tests.sites.public.public_site import public_site


@pytest.fixture
async def second(chromium: Browser, guard: Guard) -> AsyncIterator[Page]:
    """The supervisor's browser, read in English."""
    async with open_page(chromium, guard, **DESKTOP, locale="en-GB") as page:
        yield page


async def test_from_the_queue_to_the_opened_vote(
    staff_app: StaffApp, small: Chosen, desktop: Page, second: Page, chromium: Browser
) -> None:
    ids = await store_submitted(staff_app, small, 4)
    (waiting,) = await store_submitted(staff_app, small, 1, state="submitted")
    await staff_app.sign_in(desktop, "reviewer", f"{PATH}/review")
    await staff_app.sign_in(second, "supervisor", f"{PATH}/shortlist")
    await _review(desktop, waiting)
    await _choose(desktop, second, ids[:3])
    await _draw(staff_app, small, desktop, second)
    await _publish(staff_app, desktop, second)
    for number in ids[:3]:
        await _describe(desktop, number)
    await desktop.goto(f"{staff_app.origin}{PATH}/shortlist")
    await desktop.click("text=检查全部资料并提请审批")
    await desktop.wait_for_selector("text=已提请审批")
    await assert_accessible(desktop)
    await _approve(second)
    assert "The contest has been created" in await second.inner_text("main")
    await execute_as_owner(
        staff_app.settings.migration_url,
        "update contests set opens_at = now() - interval '1 hour' where slug like '%-vote'",
    )
    await _citizens_see(staff_app, chromium)


async def _review(page: Page, waiting: int) -> None:
    await page.click("a:text-is('名额与分布')")
    await assert_accessible(page)
    await page.click("text=返回审核列表")
    await page.click("summary")
    await assert_accessible(page)
    await page.select_option("#state", "submitted")
    await page.click("text=查看 >> nth=-1")
    await page.click("[data-queue] tbody a")
    await page.wait_for_url(f"**/review/{waiting}?*")
    pictures = await page.locator("img.page").count()
    assert pictures == 12
    await page.locator("img.page").first.scroll_into_view_if_needed()
    drawn = "async (img) => { img.loading = 'eager'; await img.decode(); return img.naturalWidth; }"
    assert await page.locator("img.page").first.evaluate(drawn) > 500
    await assert_accessible(page)
    await page.fill("#note", "材料齐全")
    await page.click("text=添加备注")
    await page.check("input[value=rejected]")
    await page.fill("#reason", "不符合业绩条件")
    await page.click("text=提交结论")
    await page.click("[role=status] a")
    await page.wait_for_url(f"**/review/{waiting}?*")
    assert "不符合业绩条件" in await page.inner_text("main")


async def _choose(first: Page, second: Page, numbers: list[int]) -> None:
    await first.goto(first.url.split("/review")[0] + "/shortlist")
    for number in numbers:
        await first.check(f"#pick-{number}")
    assert await first.inner_text("[data-chosen]") == "已选 3 人，须选 3 人"
    industries = await first.locator('[data-count^="industry:"]').all_inner_texts()
    assert sum(map(int, industries)) == 3
    await assert_accessible(first)
    await first.click("text=提请审批这份名单")
    await assert_accessible(first)
    await first.click("text=确认提请审批这 3 人")
    await first.wait_for_selector("text=须由另一位同事批准")
    await _approve(second)


async def _approve(page: Page) -> None:
    await page.goto(page.url.split("?")[0])
    await assert_accessible(page)
    await press_and_confirm(page, "Approve")
    await page.wait_for_selector("[role=status]")


async def _draw(staff_app: StaffApp, small: Chosen, first: Page, second: Page) -> None:
    await first.goto(first.url.split("?")[0])
    await first.fill("#source_zh", "福利彩票开奖号码")
    await first.fill("#source_en", "A lottery's numbers")
    known_at = (staff_app.clock() + timedelta(seconds=15)).astimezone(small.selection.zone)
    await first.fill("#known_at", known_at.strftime("%Y-%m-%dT%H:%M:%S"))
    await first.click("text=提请审批这个来源")
    await first.wait_for_selector("text=等待另一位同事审批")
    await _approve(second)
    await pass_until_known(staff_app)
    await first.goto(first.url.split("?")[0])
    await first.fill("#drawn", "0312")
    await first.click("text=提请审批这个号码")
    await first.wait_for_selector("text=等待另一位同事审批")
    await _approve(second)
    assert await second.locator("[data-people] tbody tr").count() == 3


async def _publish(staff_app: StaffApp, first: Page, second: Page) -> None:
    await second.goto(f"{staff_app.origin}{PATH}/notice")
    await assert_accessible(second)
    await second.click("summary:has-text('Publish the notice')")
    await second.click("button:text-is('Yes, publish it')")
    await second.wait_for_selector("text=Published.")
    await first.goto(f"{staff_app.origin}{PATH}/notice")
    await first.fill("#sender", "异议人")
    await first.fill("#content", "对业绩有疑问")
    await first.click("text=登记 >> nth=-1")
    await first.wait_for_selector("text=异议已登记")
    await assert_accessible(first)
    await first.check("input[value=dismissed]")
    await first.fill("#answer-1", "经核实，业绩属实")
    await press_and_confirm(first, "答复")
    await first.wait_for_selector("text=异议已答复")
    await age_notices(staff_app)
    await second.goto(f"{staff_app.origin}{PATH}/shortlist")


async def _describe(page: Page, number: int) -> None:
    """The summary in English first holds a telephone number, which the page states at once."""
    await page.goto(f"{page.url.split('/selections')[0]}{PATH}/shortlist/{number}")
    await page.fill("#story-en", "What was done.")
    await page.fill("#summary-en", "Call 13812345678")
    await page.wait_for_selector("#wrong-summary-en li")
    await assert_accessible(page)
    await page.fill("#summary-en", "A skilled turner.")
    await page.wait_for_selector("#wrong-summary-en li", state="detached")
    await page.click("text=保存")
    await page.wait_for_selector("text=已保存")
    assert await page.locator(".wrong li").count() == 0


async def _citizens_see(staff_app: StaffApp, chromium: Browser) -> None:
    """The vote with its candidates, and both notices, in both languages."""
    async with public_site(staff_app.settings) as client:
        shown = (await client.get("/api/v1/contests/selection-2022-vote")).json()
        assert (shown["phase"], shown["candidates"]) == ("open", 3)
        context = await chromium.new_context(**DESKTOP, locale="zh-CN")
        context.set_default_timeout(TIMEOUT_MS)
        page = await context.new_page()
        for path in (
            "/notices", "/notices/selection-2022-shortlist", "/zh/notices/selection-2022-draw",
            "/en/notices", "/en/notices/selection-2022-shortlist",
            "/en/notices/selection-2022-draw", "/zh/selection-2022-vote",
        ):  # fmt: skip
            answer = await page.goto(f"{client.base_url}{path}")
            assert answer is not None
            assert answer.status == 200, path
            await assert_accessible_in_every_mode(page)
        await context.close()
