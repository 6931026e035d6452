"""The form of a recommendation in browsers that lack what older ones lack."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, Route, expect

from tests.browser.older import WITHOUT
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, seat_officer
from tests.sites.nomination.recommendations.recommendation_data import PHOTO

LIST = "/selections/selection-2022/recommendations"


async def begin(staff_app: StaffApp, chosen: Chosen, page: Page) -> str:
    """A new recommendation; its address."""
    await page.add_init_script(WITHOUT)
    await seat_officer(staff_app, chosen.bodies["north"], "officer")
    await staff_app.sign_in(page, "recommender", LIST, "officer")
    await page.click("text=新建推荐")
    await expect(page.locator("h1")).to_contain_text("个人信息")
    await page.wait_for_load_state()  # its module listens by then
    return page.url.rsplit("/", 2)[0]


async def test_the_page_counts_and_saves_what_is_typed(
    staff_app: StaffApp, chosen: Chosen, desktop: Page
) -> None:
    address = await begin(staff_app, chosen, desktop)
    await desktop.goto(f"{address}/steps/deeds")
    await desktop.fill("#skills", "技能👩\u200d🔧\n" + "é" * 10)
    await expect(desktop.locator("#skills-count")).to_have_text("13 / 1000 字（不计空格）")
    await expect(desktop.locator(".saved")).to_contain_text("已自动保存")
    await desktop.fill("#skills", "技" * 1001)
    await expect(desktop.locator("#skills-faults")).to_contain_text("请压缩到1000字以内")
    await desktop.reload()
    await expect(desktop.locator("#skills")).to_have_value("技" * 1001)


async def test_a_button_pressed_during_a_save_still_works(
    staff_app: StaffApp, chosen: Chosen, desktop: Page
) -> None:
    await begin(staff_app, chosen, desktop)
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    await desktop.route("**/steps/*.json", hold)
    async with desktop.expect_request("**/steps/person.json"):
        await desktop.fill("[name=name]", "某某")
    await desktop.get_by_role("button", name="保存并返回列表").click()
    await waiting[0].continue_()
    await desktop.wait_for_url(f"{staff_app.origin}{LIST}?done=saved")
    await expect(desktop.locator("main")).to_contain_text("某某")


async def test_a_chosen_photo_is_uploaded_with_the_part_that_was_taken(
    staff_app: StaffApp, chosen: Chosen, desktop: Page, tmp_path: Path
) -> None:
    await begin(staff_app, chosen, desktop)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(PHOTO)
    await desktop.set_input_files("input[name=photo]", photo)
    async with desktop.expect_navigation():
        await desktop.get_by_role("button", name="使用框内部分并上传").click()
    await expect(desktop.locator("[data-field=photo] img[src]")).to_be_visible()


async def test_the_last_typed_text_is_sent_on_leaving(
    staff_app: StaffApp, chosen: Chosen, desktop: Page
) -> None:
    """Without `keepalive` a fetch ends with its page."""
    address = await begin(staff_app, chosen, desktop)
    async with desktop.expect_request("**/steps/person.json") as sent:
        await desktop.locator("[name=name]").press_sequentially("a")
        await desktop.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    ping = await sent.value
    assert ping.resource_type == "ping"
    answer = await ping.response()
    assert answer is not None and answer.ok
    await desktop.goto(f"{address}/steps/person")
    await expect(desktop.locator("[name=name]")).to_have_value("a")
