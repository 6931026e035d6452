"""From sealed scores to an announced result, as people do it: in Chromium, with a keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from tests.browser.accessibility import assert_accessible, tab_to
from tests.browser.conftest import DESKTOP, TIMEOUT_MS
from tests.browser.guard import Guard
from tests.sites.console.running_office import Office
from tests.sites.nomination.panel.panel_data import (
    EXPERTS,
    PANEL,
    PAPERS,
    RESULT,
    VOTE,
    Chosen,
    ladder,
)
from tests.sites.nomination.panel.public_site import public_site

ABSENT = EXPERTS[6]


@pytest.fixture
async def other_desktop(chromium: Browser, guard: Guard) -> AsyncIterator[Page]:
    """The second person's browser."""
    context = await chromium.new_context(**DESKTOP, locale="zh-CN")
    context.set_default_timeout(TIMEOUT_MS)
    guard.watch(context)
    yield await context.new_page()
    await context.close()


async def _approve(page: Page, button: str = "批准") -> None:
    await page.get_by_role("button", name=button, exact=True).click()
    await page.wait_for_url("**?done=*")


async def _set_rules(office: Office, one: Page, other: Page) -> None:
    await office.sign_in(one, "reviewer", PANEL)
    await one.goto(f"{office.origin}{PANEL}/rules")
    await assert_accessible(one)
    for row in (3, 4):
        await one.fill(f"[name=name-{row}-zh]", "")
        await one.fill(f"[name=name-{row}-en]", "")
    await one.uncheck("#discussion")
    await one.get_by_role("button", name="提请审批").click()
    await one.wait_for_url("**?done=proposed")
    assert "须由另一位同事批准" in await one.inner_text("main")
    await office.sign_in(other, "supervisor", PANEL)
    assert "去掉 1 个最高分和 1 个最低分" in await other.inner_text("main")
    await _approve(other)


async def _score(office: Office, page: Page) -> None:
    """Seven criteria of the keyboard: arrows, Enter, saved by itself, a fault named, handed in."""
    await office.sign_in(page, "expert", PANEL, EXPERTS[0])
    assert "本单位推荐" in await page.inner_text("main")
    await assert_accessible(page)
    await page.select_option("#number", "9")
    await page.fill("#reason", "师徒")
    await page.get_by_role("button", name="申报回避").click()
    await page.wait_for_url("**?done=declared")
    await page.get_by_role("link", name="打开评分表").click()
    await assert_accessible(page)
    assert await page.locator("#points-3-c1, #points-9-c1").count() == 0
    assert "回车到下一行" in await page.inner_text("main")
    await page.focus("#points-1-c1")
    await page.keyboard.type("98")
    await page.keyboard.press("ArrowDown")
    assert await page.evaluate("document.activeElement.id") == "points-2-c1"
    await page.keyboard.type("101")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "points-4-c1"
    await page.wait_for_selector("#save-status:has-text('草稿保存')")
    await page.wait_for_selector("#points-2-c1[aria-invalid=true]")
    await page.reload()
    assert await page.input_value("#points-1-c1") == "98"
    assert await page.input_value("#points-2-c1") == "", "what is wrong is not kept"
    await page.get_by_role("button", name="提交评分").click()
    await page.wait_for_selector("[role=alert]")
    await assert_accessible(page)
    for number, (first, _) in ladder(without=[3, 9]).items():
        await page.fill(f"#points-{number}-c1", first)
        await page.fill(f"#points-{number}-c2", "80")
    assert (
        await page.locator("tr", has=page.locator("#points-1-c1")).locator(".total").inner_text()
        == "89.00"
    )
    await tab_to(page, "提交评分")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**?done=submitted")
    assert "您已于" in await page.inner_text("main")


async def test_from_the_rules_to_the_announced_result(
    office: Office, chosen: Chosen, desktop: Page, other_desktop: Page, guard: Guard
) -> None:
    await chosen.seat(EXPERTS[0], body="north")
    for name in EXPERTS[1:]:
        await chosen.seat(name)
    guard.expect("422")
    await _set_rules(office, desktop, other_desktop)
    await desktop.context.clear_cookies()
    await _score(office, desktop)
    for name in EXPERTS[1:6]:
        rows = {number: (first, "80") for number, (first, _) in ladder().items()}
        await chosen.submit_sheet(name, rows)

    await desktop.context.clear_cookies()
    await office.sign_in(desktop, "reviewer", PANEL)
    main = await desktop.inner_text("main")
    assert main.count("已提交") == 6
    assert "评审得分" not in main
    await assert_accessible(desktop)
    await desktop.get_by_role("button", name="提请结束第一轮").click()
    await desktop.wait_for_url("**?done=proposed")
    await other_desktop.reload()
    assert ABSENT in await other_desktop.inner_text("article")
    await _approve(other_desktop)
    assert "评审得分" in await other_desktop.inner_text("main")
    await assert_accessible(other_desktop)

    await desktop.goto(f"{office.origin}{RESULT}")
    assert await desktop.locator(".awarded li").count() == 20
    await assert_accessible(desktop)
    await desktop.get_by_role("button", name="提请公布结果").click()
    await desktop.wait_for_url("**?done=proposed")
    await other_desktop.goto(f"{office.origin}{RESULT}")
    await assert_accessible(other_desktop)
    await _approve(other_desktop)

    await desktop.goto(f"{office.origin}{RESULT}/5")
    await assert_accessible(desktop)
    await desktop.fill("#story_zh", "匠心故事")
    await desktop.fill("#video_url", "https://video.example/5")
    await desktop.get_by_role("button", name="保存").click()
    await desktop.wait_for_url("**?done=saved")
    await assert_accessible(desktop)
    await _papers(office, desktop)
    async with public_site(office) as public:
        guard.allow_origin(public)
        await _citizens(desktop, public, await _verify_link(desktop, public))


async def _papers(office: Office, page: Page) -> None:
    await page.goto(f"{office.origin}{PAPERS}")
    await page.get_by_role("button", name="生成证书编号").click()
    await page.wait_for_selector("tbody tr >> nth=19")
    await page.select_option("#kind", "report")
    await page.get_by_role("button", name="开始制作").click()
    link = page.get_by_role("link", name="下载 PDF: 总结报告")
    await link.wait_for()
    await assert_accessible(page)
    async with page.expect_download() as waiting:
        await link.click()
    assert (await (await waiting.value).path()).read_bytes().startswith(b"%PDF")


async def _verify_link(page: Page, public: str) -> str:
    """The first certificate's address, on the tests' public site."""
    href = await page.get_by_role("link", name="查验").first.get_attribute("href")
    assert href
    return public + href[href.index("/certificates/") :]


async def _citizens(page: Page, public: str, certificate: str) -> None:
    await page.goto(f"{public}/zh/{VOTE}/result")
    assert await page.locator("li.card").count() == 20
    assert "当选（10 人）" in await page.inner_text("main")
    await assert_accessible(page)
    await page.get_by_role("link", name="候选 5").first.click()
    assert "匠心故事" in await page.inner_text("main")
    await assert_accessible(page)
    await page.goto(certificate)
    assert "证书有效" in await page.inner_text("main")
    await assert_accessible(page)
