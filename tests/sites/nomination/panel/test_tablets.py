"""Seven experts on tablets: one recused and back, one absent; saved through an expired session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
from playwright.async_api import Browser, Page, ViewportSize

from tests.browser.accessibility import assert_accessible
from tests.browser.guard import Guard
from tests.browser.pages import open_page
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.panel.panel_data import EXPERTS, PANEL, SMALL, Chosen, ladder
from voting_service.infrastructure.postgres.pool import connect

UPRIGHT = ViewportSize(width=768, height=1024)
ACROSS = ViewportSize(width=1024, height=768)
PHONE = ViewportSize(width=390, height=844)
LEAST_TEXT, LEAST_CONTROL = 24, 60
"""18 points, and what an unsteady finger hits; in CSS pixels."""
LEAST_TOUCH = 44

_SMALL = """([text, control]) => {
  const found = [];
  for (const one of document.querySelectorAll("main *")) {
    const box = one.getBoundingClientRect();
    const isSeen = box.width > 2 && one.checkVisibility() && !one.closest(".visually-hidden");
    if (!isSeen) continue;
    const says = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (says && parseFloat(getComputedStyle(one).fontSize) < text) found.push(one.outerHTML);
    if (one.matches("button, input, select, a.button") && box.height < control)
      found.push(one.outerHTML);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push("wider than the window");
  for (const one of document.querySelectorAll("main .scroll"))
    if (one.scrollWidth > one.clientWidth + 1)
      found.push(`${one.scrollWidth} of ${one.clientWidth}: ${one.textContent.trim()}`);
  return found.map((html) => html.slice(0, 120));
}"""


async def _check_large(page: Page) -> None:
    """Nothing is small, too wide or scrolls sideways on a phone, across and upright, and axe finds
    nothing."""
    for size in (PHONE, ACROSS, UPRIGHT):
        await page.set_viewport_size(size)
        assert await page.evaluate(_SMALL, [LEAST_TEXT, LEAST_CONTROL]) == [], page.url
    await assert_accessible(page)


@asynccontextmanager
async def _tablet(browser: Browser, guard: Guard, chosen: Chosen, name: str) -> AsyncIterator[Page]:
    """An expert's tablet, signed in."""
    async with open_page(browser, guard, viewport=UPRIGHT, has_touch=True, locale="zh-CN") as page:
        await _signed_in(page, chosen, name)
        yield page


async def _signed_in(page: Page, chosen: Chosen, name: str) -> None:
    cookie = {"name": "staff", "value": chosen.tokens[name], "url": chosen.staff_app.origin}
    await page.context.add_cookies([cookie])  # type: ignore[list-item]


async def _give(page: Page, number: int, first: str, second: str) -> None:
    await page.fill(f"#points-{number}-c1", first)
    await page.fill(f"#points-{number}-c2", second)


async def _first_expert(staff_app: StaffApp, chosen: Chosen, page: Page) -> None:
    """Scores, is corrected, recuses and comes back, is signed out and goes on."""
    name = EXPERTS[0]
    await page.context.clear_cookies()
    await page.goto(staff_app.origin)
    assert await page.evaluate(_SMALL, [0, LEAST_TOUCH]) == [], "before anybody knows who it is"
    await _signed_in(page, chosen, name)
    await page.goto(staff_app.origin)
    await _check_large(page)
    await page.get_by_role("link", name="第 1 轮评分表待您提交").click()
    await _check_large(page)
    await page.get_by_role("link", name="开始评分：1 号").click()
    await page.wait_for_url("**/candidates/1")  # with its scripts, which hear what is typed
    await _give(page, 1, "９８", "400")
    await page.wait_for_selector("#points-1-c2[aria-invalid=true]")
    assert await page.inner_text("#fault-points-1-c2") == "请填写 0 至 50 分，最多一位小数。"
    await _check_large(page)
    await page.evaluate("scrollTo(0, document.body.scrollHeight / 3)")
    box = await page.locator("#points-1-c2").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < UPRIGHT["height"] - box["height"], "in reach while the text is read"
    await page.fill("#points-1-c2", "40")
    await page.wait_for_selector(".strip .place[aria-current].scored", state="attached")
    assert "已评 1 人，共 30 人" in await page.inner_text(".everybody summary")
    assert await page.input_value("#points-1-c1") == "98", "full-width digits become usual ones"
    assert await page.inner_text("output.total") == "90.80"
    await page.get_by_role("button", name="下一位：2").click()
    await page.wait_for_url("**/candidates/2")
    assert "草稿保存于" in await page.inner_text("[data-save-status]")

    await page.click("summary:has-text('申报回避')")
    await page.fill("#reason", "师徒")
    await page.click("button:has-text('确定回避')")
    await page.wait_for_url("**/candidates/2?done=declared")
    await _check_large(page)
    await page.click("summary:has-text('撤回回避')")
    await page.click("button:has-text('确定撤回')")
    await page.wait_for_url("**/candidates/2?done=withdrawn")

    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("update staff_sessions set ended_at = now()")
    await _give(page, 2, "96", "40")
    await page.wait_for_selector("[data-sign-in]:not([hidden])")
    assert "尚未保存" in await page.inner_text("[data-save-status]")
    chosen.tokens[name] = await staff_app.token("expert", name)
    await _signed_in(page, chosen, name)
    await page.wait_for_selector("[data-save-status]:has-text('草稿保存于')")
    await page.get_by_role("button", name="下一位：3").click()
    await page.wait_for_url("**/candidates/3")
    for number in (1, 2):
        assert await page.locator(f".strip .place.scored[value='{number}']").count() == 1
    await owner.close()


async def _submit(page: Page, origin: str) -> None:
    """All scores are shown, then asked, then submitted."""
    await page.goto(f"{origin}{PANEL}/sheet")
    assert "全部候选人已评完" in await page.inner_text("main")
    await page.click("summary:has-text('提交评分')")
    await page.click("button:has-text('确定提交')")
    await page.wait_for_url("**?done=submitted")


async def test_seven_experts_on_tablets(
    staff_app: StaffApp, chosen: Chosen, chromium: Browser, guard: Guard
) -> None:
    await chosen.seat_seven()
    chair = await staff_app.account("expert", EXPERTS[1])
    await chosen.set_rules(msgspec.structs.replace(SMALL, chair=chair.id))
    guard.expect("401")
    async with AsyncExitStack() as opened:
        tablets = [
            await opened.enter_async_context(_tablet(chromium, guard, chosen, name))
            for name in EXPERTS[:6]
        ]
        await _first_expert(staff_app, chosen, tablets[0])
        for name in EXPERTS[1:]:
            chosen.tokens[name] = await staff_app.token("expert", name)
        for page, name in zip(tablets, EXPERTS, strict=False):
            await _signed_in(page, chosen, name)
            rows = ladder() if name == EXPERTS[0] else ladder(without=[30])
            await chosen.submit_sheet(name, rows, submit=False)
            if name != EXPERTS[0]:
                await page.goto(f"{staff_app.origin}{PANEL}/candidates/30")
                await _give(page, 30, "40", "40")
                await page.get_by_role("button", name="全部评分").first.click()
                await page.wait_for_url("**/sheet")
            if name == EXPERTS[2]:
                await _check_large(page)
            await _submit(page, staff_app.origin)

        leads = tablets[1]
        await leads.goto(f"{staff_app.origin}{PANEL}")
        await _check_large(leads)
        row = leads.locator("tr", has=leads.get_by_role("rowheader", name=EXPERTS[0]))
        await row.locator("summary").click()
        await row.get_by_role("button", name="确定退回").click()
        await leads.wait_for_url("**?done=reopened")
        assert "已评 30/30 人" in await leads.inner_text("main")
        await _submit(tablets[0], staff_app.origin)
        await leads.goto(f"{staff_app.origin}{PANEL}")
        progress = await leads.inner_text("section:has(#experts)")
        assert "应交评分表 7 份，已交 6 份" in progress
        assert f"未提交的专家：{EXPERTS[6]}" in progress
        await leads.click("summary:has-text('提请结束第一轮')")
        assert EXPERTS[6] in await leads.inner_text("details[open]")
        await leads.get_by_role("button", name="确定提请").click()
        await leads.wait_for_url("**?done=proposed")
        request = await staff_app.database.fetchval("select max(id) from approval_requests")
        supervisor = await staff_app.signed_in_client("supervisor")
        approved = await supervisor.post(f"{PANEL}/approvals/{request}/approve", data={})
        assert approved.status_code == 303, approved.text
        await leads.goto(f"{staff_app.origin}{PANEL}")
        assert "评审得分" in await leads.inner_text("main")
        await _check_large(leads)
        await leads.goto(f"{staff_app.origin}/language/en?next={PANEL}")
        assert "Panel scores" in await leads.inner_text("main")
        await _check_large(leads)
