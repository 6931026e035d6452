"""Two officers of one body at their browsers at once."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.accessibility import assert_accessible, assert_nothing_lost
from tests.browser.chromium import TIMEOUT_MS
from tests.browser.guard import Guard
from tests.browser.pages import DESKTOP
from tests.patience import eventually
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, seat_officer
from tests.sites.nomination.recommendations.posting import LIST
from tests.sites.nomination.recommendations.recommendation_data import (
    drafted_in_north,
    person,
)
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.repository import load_recommendations
from voting_service.staff.accounts.model import Account


async def open_page_as(
    chromium: Browser, guard: Guard, staff_app: StaffApp, name: str, path: str
) -> tuple[BrowserContext, Page]:
    context = await chromium.new_context(**DESKTOP, locale="zh-CN")
    context.set_default_timeout(TIMEOUT_MS)
    guard.watch(context)
    await context.add_cookies(
        [
            {
                "name": "staff",
                "value": await staff_app.token("recommender", name),
                "url": staff_app.origin,
            }
        ]
    )
    page = await context.new_page()
    await page.goto(staff_app.origin + path)
    return context, page


async def test_only_one_officer_gets_the_last_place(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    chromium: Browser,
    guard: Guard,
) -> None:
    guard.expect("409")
    colleague = await seat_officer(staff_app, chosen.bodies["north"], "colleague")
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("update nomination.selections set district_quota = 1")
    await owner.close()
    contexts, pages = [], []
    for number, account in enumerate((officer, colleague), start=1):
        result = await drafted_in_north(staff_app, keys, chosen, account, person(number))
        context, page = await open_page_as(
            chromium, guard, staff_app, account.name, f"{LIST}/{result.id}"
        )
        contexts.append(context)
        pages.append(page)
        await expect(page.locator("main")).to_contain_text("还可推荐 1 人")
        await page.click("summary:has-text('提交推荐')")
    await asyncio.gather(*(page.click("button:has-text('确定提交')") for page in pages))
    for page in pages:
        await expect(page.locator("h1, [role=alert]").first).to_be_visible()
    titles = [await page.inner_text("main") for page in pages]
    assert sum("提交成功 · 回执" in text for text in titles) == 1
    assert sum("本单位的推荐名额已满，草稿已保存" in text for text in titles) == 1
    states = sorted(
        recommendation.state
        for recommendation in await load_recommendations(staff_app.database, keys, chosen.selection)
    )
    assert states == ["draft", "submitted"]
    for page in pages:
        await assert_accessible(page)
    for context in contexts:
        await context.close()


async def test_a_colleagues_edit_stops_automatic_saving_and_both_versions_are_shown(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    chromium: Browser,
    guard: Guard,
) -> None:
    guard.expect("409")
    colleague = await seat_officer(staff_app, chosen.bodies["north"], "colleague")
    result = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    path = f"{LIST}/{result.id}/steps/deeds"
    mine, first = await open_page_as(chromium, guard, staff_app, officer.name, path)
    theirs, second = await open_page_as(chromium, guard, staff_app, colleague.name, path)
    await first.fill("#deeds", "甲写的事迹")
    await expect(first.locator(".saved")).to_contain_text("已自动保存")
    await second.fill("#deeds", "乙写的事迹")
    await expect(second.locator(".saved")).to_contain_text("本页内容已在其他窗口修改")
    await second.click("button:has-text('保存') >> nth=1")
    await expect(second.locator("[role=alert]")).to_contain_text("您的修改还没有保存")
    await expect(second.locator("#deeds")).to_have_value("乙写的事迹")
    await expect(second.locator(".theirs")).to_contain_text("甲写的事迹")
    await assert_accessible(second)
    await second.click(".actions button:has-text('保存') >> nth=0")
    await expect(second.locator("main")).to_contain_text("已保存。")
    # Typing goes on being kept, also on the way out.
    await second.fill("#skills", "乙补充的技能")
    await second.click(".site-title")
    await second.wait_for_url(f"{staff_app.origin}/")

    # Nobody waits for what a page sends while it is left.
    async def skills_are_stored() -> bool:
        return (await stored_form(staff_app, chosen, keys)).skills == "乙补充的技能"

    await eventually(skills_are_stored)
    assert (await stored_form(staff_app, chosen, keys)).deeds == "乙写的事迹"
    await mine.close()
    await theirs.close()


async def test_an_officers_own_save_is_no_conflict(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    chromium: Browser,
    guard: Guard,
) -> None:
    result = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    path = f"{LIST}/{result.id}/steps/deeds"
    context, page = await open_page_as(chromium, guard, staff_app, officer.name, path)
    saved, go_on = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        saved.set()
        await go_on.wait()
        await route.fulfill(response=answer)

    await page.route("**/*.json", hold)
    await page.fill("#deeds", "先写的事迹")
    await saved.wait()
    await page.fill("#deeds", "后写的事迹")
    await page.click(".actions button:has-text('保存') >> nth=0", no_wait_after=True)
    go_on.set()
    await expect(page.locator("[role=status].good")).to_have_text("已保存。")
    assert (await stored_form(staff_app, chosen, keys)).deeds == "后写的事迹"
    await context.close()


async def test_typed_text_survives_a_new_sign_in(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    chromium: Browser,
    guard: Guard,
) -> None:
    guard.expect("401")
    result = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    path = f"{LIST}/{result.id}/steps/deeds"
    context, page = await open_page_as(chromium, guard, staff_app, officer.name, path)
    await context.clear_cookies()
    await page.fill("#deeds", "登录结束后写的事迹")
    await expect(page.locator(".saved")).to_contain_text("尚未保存：登录已结束")
    await expect(page.locator("[data-sign-in]")).to_be_visible()
    token = await staff_app.token("recommender", officer.name)
    await context.add_cookies([{"name": "staff", "value": token, "url": staff_app.origin}])
    await page.evaluate("dispatchEvent(new Event('focus'))")
    await expect(page.locator(".saved")).to_contain_text("已自动保存")
    await page.click(".actions button:has-text('保存') >> nth=0")
    await expect(page.locator("main")).to_contain_text("已保存。")
    assert (await stored_form(staff_app, chosen, keys)).deeds == "登录结束后写的事迹"
    await context.close()


async def stored_form(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys
) -> RecommendationForm:
    [recommendation] = await load_recommendations(staff_app.database, keys, chosen.selection)
    return recommendation.form


async def test_the_pages_in_english_and_without_scripts(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    chromium: Browser,
    guard: Guard,
) -> None:
    result = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    context = await chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", java_script_enabled=False
    )
    context.set_default_timeout(TIMEOUT_MS)
    guard.watch(context)
    await context.add_cookies(
        [{"name": "staff", "value": await staff_app.token("recommender", "officer"),
          "url": staff_app.origin}]
    )  # fmt: skip
    page = await context.new_page()
    await page.goto(f"{staff_app.origin}{LIST}")
    await expect(page.locator("h1")).to_have_text("North District · My recommendations")
    await page.goto(f"{staff_app.origin}{LIST}/{result.id}/steps/person")
    for heading in (
        "Work",
        "Skills and deeds",
        "Conditions and evidence",
        "Opinions",
        "Check and submit",
    ):
        await assert_nothing_lost(page)
        await page.click(f".actions button:has-text('Next: {heading}')")
        await expect(page.locator("h1")).to_have_text(f"Recommendation {result.id} · {heading}")
    await page.click("summary:has-text('Submit the recommendation')")
    await page.click("button:has-text('Yes, submit it')")
    await expect(page.locator("h1")).to_have_text("Submitted · Receipt")
    await context.close()
