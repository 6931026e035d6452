"""The page of one recommendation in a browser: what is in view at once, and the way by keyboard."""

from __future__ import annotations

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.accessibility import assert_accessible, assert_accessible_in_every_mode
from tests.browser.guard import Guard
from tests.browser.pages import PHONE, open_page
from tests.contest_data import both
from tests.nomination.form.people import complete_form
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen
from tests.sites.nomination.review.review_data import PATH, store_submitted
from voting_service.demo.placeholder_people import form as placeholder
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.model import RecommendingBody

REVIEW = f"{PATH}/review"


def full_length() -> RecommendationForm:
    """Texts as long as the form takes."""
    body = RecommendingBody(1, "yuzhong", "district", both("渝中区"))
    return placeholder(1, complete_form().evidence_confirmed_on, body)  # type: ignore[arg-type]


async def is_in_view(part: Locator) -> bool:
    """Whether all of an element is on the screen."""
    return bool(
        await part.evaluate(
            "(part) => { const box = part.getBoundingClientRect();"
            " return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight + 1; }"
        )
    )


async def test_text_evidence_and_verdict_are_in_view_and_all_is_done_by_keyboard(
    staff_app: StaffApp, chosen: Chosen, desktop: Page, guard: Guard
) -> None:
    texts = full_length()
    people = await store_submitted(
        staff_app, chosen, 4, state="submitted", skills=texts.skills, deeds=texts.deeds
    )
    page = desktop
    await staff_app.sign_in(page, "reviewer", f"{REVIEW}?state=submitted")
    await page.click("[data-queue] tbody a >> nth=0")
    await expect(page.locator(".way strong")).to_have_text("第 1 份，共 4 份")
    await assert_accessible_in_every_mode(page)

    deeds, pages = page.locator("[data-field=deeds]"), page.locator("#evidence")
    button = page.locator("form[data-decide] button >> nth=0")
    await deeds.evaluate("(text) => text.scrollIntoView()")
    text, scroller = await deeds.bounding_box(), await pages.bounding_box()
    assert text is not None and scroller is not None
    assert 30 <= text["width"] / 15 <= 40, "a line of 30 to 40 characters"
    assert scroller["x"] >= text["x"] + text["width"], "side by side"
    assert await is_in_view(pages) and await is_in_view(button)

    place = page.locator("[data-evidence-place]")
    await expect(place).to_have_text("佐证材料第 1 页，共 10 页")
    await page.keyboard.press("f")
    assert await pages.evaluate("(pages) => pages.scrollTop") > 0
    await expect(place).to_have_text("佐证材料第 2 页，共 10 页")
    await page.keyboard.press("e")
    await expect(pages).to_be_focused()
    assert await is_in_view(button)
    await page.keyboard.press("?")
    await expect(page.locator("[data-keys] dl")).to_be_visible()
    await assert_accessible(page)

    await page.keyboard.press("s")
    await page.keyboard.type("８８")
    await page.keyboard.press("Escape")
    await page.keyboard.press("a")
    await page.keyboard.press("Enter")
    await expect(page.locator(".way strong")).to_have_text("第 2 份，共 4 份")
    await expect(page.locator(".notice[role=status]")).to_contain_text("已通过")

    await page.keyboard.press("j")
    await expect(page.locator(".way strong")).to_have_text("第 3 份，共 4 份")
    await page.keyboard.press("k")
    await expect(page.locator(".way strong")).to_have_text("第 2 份，共 4 份")
    await expect(page.locator("[data-term]")).to_be_hidden()
    guard.expect("status of 422")
    await page.keyboard.press("r")
    await expect(page.locator("#reason")).to_be_focused()
    await expect(page.locator("[data-term]")).to_be_visible()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#reason-fault")).to_be_visible()
    await expect(page.locator("#reason")).to_be_focused()
    assert await is_in_view(page.locator("#reason-fault"))
    await assert_accessible(page)
    await page.keyboard.type("jkx？材料不齐")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".way strong")).to_have_text("第 3 份，共 4 份")

    await page.keyboard.press("?")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.reload()
    await page.keyboard.press("j")
    await expect(page.locator(".way strong")).to_have_text("第 3 份，共 4 份")
    rows = await staff_app.database.fetch(
        "select state, (select p.score from nomination.preliminary_scores p"
        " where p.recommendation_id = r.id) as score from nomination.recommendations r order by id"
    )
    assert len(people) == len(rows)
    assert [(row["state"], row["score"]) for row in rows] == [
        ("accepted", 88), ("returned", None), ("submitted", None), ("submitted", None),
    ]  # fmt: skip


async def test_on_a_phone_one_stands_after_the_other_also_without_scripts(
    staff_app: StaffApp, chosen: Chosen, chromium: Browser, guard: Guard
) -> None:
    texts = full_length()
    (first,) = await store_submitted(
        staff_app, chosen, 1, state="submitted", skills=texts.skills, deeds=texts.deeds
    )
    async with open_page(chromium, guard, **PHONE, java_script_enabled=False) as page:
        await staff_app.sign_in(page, "reviewer", f"{REVIEW}/{first}")
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(overflow) <= 0
        await expect(page.locator("[data-keys]")).to_be_hidden()
        for name, target in (("#evidence", "#evidence-1"), ("#verdict", "#reason")):
            await page.click(f".jump a[href='{name}']")
            await expect(page.locator(target)).to_be_in_viewport()
            assert await is_in_view(page.locator(".jump"))
        await page.check("input[value=accepted]")
        await page.fill("#score", "70")
        await page.click("form[data-decide] button >> nth=0")
        await expect(page.locator(".notice[role=status]")).to_contain_text("已通过")
