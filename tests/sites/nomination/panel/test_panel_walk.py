"""From secret scores to an announced result, as people do it: in Chromium, with a keyboard."""

from __future__ import annotations

from playwright.async_api import Page

from tests.browser.accessibility import assert_accessible, assert_accessible_in_every_mode, tab_to
from tests.browser.guard import Guard
from tests.browser.pages import press_and_confirm
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.panel.panel_data import (
    DOCUMENTS,
    EXPERTS,
    PANEL,
    RESULT,
    VOTE,
    Chosen,
    end_objections,
    ladder,
)
from tests.sites.public.public_site import public_site

ABSENT = EXPERTS[6]


async def _approve(page: Page, button: str = "批准") -> None:
    await press_and_confirm(page, button)
    await page.wait_for_url("**?done=*")


async def _set_rules(staff_app: StaffApp, page: Page, other: Page) -> None:
    await staff_app.sign_in(page, "reviewer", PANEL)
    await page.goto(f"{staff_app.origin}{PANEL}/rules")
    await assert_accessible(page)
    for row in (3, 4):
        await page.fill(f"[name=name-{row}-zh]", "")
        await page.fill(f"[name=name-{row}-en]", "")
    await page.uncheck("#discussion")
    await page.get_by_role("button", name="提请审批").click()
    await page.wait_for_url("**?done=proposed")
    assert "须由另一位同事批准" in await page.inner_text("main")
    await staff_app.sign_in(other, "supervisor", PANEL)
    assert "去掉 1 个最高分和 1 个最低分" in await other.inner_text("main")
    await _approve(other)


async def _score(staff_app: StaffApp, page: Page) -> None:
    """Seven criteria of the keyboard: arrows, Enter, saved by itself, a fault named, submitted."""
    await staff_app.sign_in(page, "expert", PANEL, EXPERTS[0])
    assert "本单位推荐" in await page.inner_text("main")
    await assert_accessible(page)
    await page.select_option("#number", "9")
    await page.fill("#reason", "师徒")
    await page.click("summary:has-text('申报回避')")
    await page.click("button:has-text('确定回避')")
    await page.wait_for_url("**/candidates/9?done=declared")
    await page.get_by_role("button", name="全部评分").click()
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
    await page.wait_for_selector("[data-save-status]:has-text('草稿保存')")
    await page.wait_for_selector("#points-2-c1[aria-invalid=true]")
    assert "100" in await page.inner_text("#fault-points-2-c1")
    await page.reload()
    assert await page.input_value("#points-1-c1") == "98"
    assert await page.input_value("#points-2-c1") == "", "what is wrong is not kept"
    await page.click("summary:has-text('提交评分')")
    await page.click("button:has-text('确定提交')")
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
    await tab_to(page, "确定提交")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**?done=submitted")
    assert "您已于" in await page.inner_text("main")


async def test_from_the_rules_to_the_announced_result(
    staff_app: StaffApp,
    chosen: Chosen,
    worker: None,
    desktop: Page,
    second_desktop: Page,
    guard: Guard,
) -> None:
    await chosen.seat(EXPERTS[0], body="north")
    for name in EXPERTS[1:]:
        await chosen.seat(name)
    guard.expect("422")
    await _set_rules(staff_app, desktop, second_desktop)
    await desktop.context.clear_cookies()
    await _score(staff_app, desktop)
    for name in EXPERTS[1:6]:
        rows = {number: (first, "80") for number, (first, _) in ladder().items()}
        await chosen.submit_sheet(name, rows)

    await desktop.context.clear_cookies()
    await staff_app.sign_in(desktop, "reviewer", PANEL)
    main = await desktop.inner_text("main")
    assert main.count("已提交") == 6
    assert "评审得分" not in main
    await assert_accessible(desktop)
    await desktop.click("summary:has-text('提请结束第一轮')")
    await desktop.get_by_role("button", name="确定提请").click()
    await desktop.wait_for_url("**?done=proposed")
    await second_desktop.reload()
    assert ABSENT in await second_desktop.inner_text("article")
    await _approve(second_desktop)
    assert "评审得分" in await second_desktop.inner_text("main")
    await assert_accessible(second_desktop)

    await desktop.goto(f"{staff_app.origin}{RESULT}")
    assert await desktop.locator(".awarded li").count() == 20
    await assert_accessible(desktop)
    await desktop.get_by_role("button", name="提请公布结果").click()
    await desktop.wait_for_url("**?done=proposed")
    await second_desktop.goto(f"{staff_app.origin}{RESULT}")
    await assert_accessible(second_desktop)
    await _approve(second_desktop)

    await desktop.goto(f"{staff_app.origin}{RESULT}/5")
    await assert_accessible(desktop)
    await desktop.fill("#story_zh", "匠心故事")
    await desktop.fill("#video_url", "https://video.example/5")
    await desktop.get_by_role("button", name="保存").click()
    await desktop.wait_for_url("**?done=saved")
    await assert_accessible(desktop)
    await _documents(staff_app, chosen, desktop)
    async with public_site(staff_app.settings, staff_app.clock) as client:
        public = str(client.base_url)
        guard.allow_origin(public)
        await _citizens(desktop, public, await _verify_link(desktop, public))


async def _documents(staff_app: StaffApp, chosen: Chosen, page: Page) -> None:
    await page.goto(f"{staff_app.origin}{DOCUMENTS}")
    assert "期满后方可生成证书编号" in await page.inner_text("main")
    await assert_accessible(page)
    await end_objections(staff_app, chosen)
    await page.context.clear_cookies()
    await staff_app.sign_in(page, "reviewer", DOCUMENTS)
    await page.get_by_role("link", name="编辑总结报道的文字").click()
    assert "收到选票528张" in await page.input_value("#vote-zh")
    await assert_accessible(page)
    await page.get_by_role("link", name="返回文件制作").click()
    await press_and_confirm(page, "生成证书编号")
    await page.wait_for_selector("tbody tr >> nth=19")
    await page.select_option("#kind", "report")
    await page.get_by_role("button", name="开始制作").click()
    link = page.get_by_role("link", name="下载 PDF: 总结报道")
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
    await _examine(page)
    await page.get_by_role("link", name="候选 5").first.click()
    assert "匠心故事" in await page.inner_text("main")
    await _examine(page)
    await page.goto(certificate)
    assert "证书有效" in await page.inner_text("main")
    await _examine(page)


async def _examine(page: Page) -> None:
    """In both languages; ends on the page where it began."""
    address = page.url
    await page.goto(address.replace("/zh/", "/en/"))
    await assert_accessible_in_every_mode(page)
    await page.goto(address)
    await assert_accessible_in_every_mode(page)
