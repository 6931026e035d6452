"""What only a browser can tell of the list, the tray and a profile's first screen."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible, focused, scale_text
from tests.browser.site import SLUG, Site
from voting_service.contests.candidate_search import CandidateSearch
from voting_service.contests.list_order import ordered_candidates

ORDER = 3
QUERIES = (
    "7", "07", "０７", "31号", "第7号", "No. 7", "№7", "51", "焊工", "焊　工", "「焊工」",
    "hangong", "HG", "an", "wanzhou", "welder", "Wel", "der", "万州 焊", "7 焊工", "7 钳工",
    "07号候选人", "07号·候选人", "nobody", "···", "",
)  # fmt: skip

_SHOWN = """() => [...document.querySelectorAll(".card:not([hidden])")]
  .map((card) => Number(card.dataset.number))"""
_SEARCH = """(query) => {
  const input = document.querySelector("#search");
  input.value = query;
  input.dispatchEvent(new Event("input", {bubbles: true}));
}"""
_FIRST_SCREEN = """() => {
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  return {name: box("h1").bottom, choose: box(".choose").bottom, bar: box(".choice-bar").top,
          portrait: box(".who-is-it .frame").height};
}"""


async def keep_order(page: Page, site: Site) -> list[int]:
    """Gives the reader an order; returns it."""
    cookie = {"name": "order", "value": str(ORDER), "url": site.origin}
    await page.context.add_cookies([cookie])  # type: ignore[list-item]
    return [candidate.number for candidate in ordered_candidates(site.contest, ORDER)]


async def test_the_script_finds_whom_the_server_finds_and_keeps_it(phone: Page, site: Site) -> None:
    order = await keep_order(phone, site)
    await phone.goto(site.page())
    search = CandidateSearch(site.contest.candidates)
    for query in QUERIES:
        await phone.evaluate(_SEARCH, query)
        assert set(await phone.evaluate(_SHOWN)) == search.find(query), query
    await phone.get_by_label("职业工种").select_option("钳工")
    await expect(phone.get_by_role("status").first).to_have_text("找到 2 位")
    assert phone.url.endswith("?trade=%E9%92%B3%E5%B7%A5")
    await phone.locator(".card:visible .card-link").first.click()
    await phone.wait_for_url("**/candidates/*?trade=*")
    await phone.get_by_role("link", name="返回全部候选人").click()
    await phone.wait_for_url("**?trade=*#c*")
    assert set(await phone.evaluate(_SHOWN)) == {7, 32}
    await phone.get_by_role("link", name="显示全部候选人").click()
    await phone.wait_for_url(site.page())
    assert len(await phone.evaluate(_SHOWN)) == 50
    # From one profile to the next in the order of the list.
    await phone.locator(f"#c{order[4]} .card-link").click()
    for number in order[5:7]:
        await phone.get_by_role("link", name="下一位").click()
        await phone.wait_for_url(f"**/candidates/{number}")
    await phone.get_by_role("link", name="上一位").click()
    await phone.wait_for_url(f"**/candidates/{order[5]}")
    await phone.get_by_role("link", name="返回全部候选人").click()
    await expect(phone.locator(f"#c{order[5]}")).to_be_in_viewport()


async def test_the_bar_opens_to_the_chosen_names(desktop: Page, site: Site) -> None:
    await keep_order(desktop, site)
    await desktop.goto(site.page())
    for number in (3, 7, 11):
        await desktop.locator(f"[data-choose='{number}']").click()
    stops = 0
    while (at := await focused(desktop)) is None or at["name"] != "核对选票":
        await desktop.keyboard.press("Tab")
        stops += 1
        assert stops <= 3, "the review button is at most three stops from the third choice"
    await desktop.get_by_role("button", name="名单").click()
    tray = desktop.locator("#tray")
    await expect(tray.get_by_role("heading", name="已选名单")).to_be_visible()
    assert await tray.get_by_role("link").all_inner_texts() == [
        f"{n:02d} {n:02d}号候选人（占位）" for n in (3, 7, 11)
    ]
    await assert_accessible(desktop)
    await tray.get_by_role("button", name="移除 07号候选人（占位）").click()
    at = await focused(desktop)
    assert at is not None
    assert "11号候选人" in at["name"], "the keyboard goes on to the next name"
    await expect(desktop.locator("[data-choose='7']")).to_have_attribute("aria-pressed", "false")
    await expect(desktop.locator(".choice-bar [role=status]")).to_have_text("已选 2 人，最多 10 人")
    await desktop.keyboard.press("Escape")
    await expect(tray).to_be_hidden()
    await desktop.get_by_role("button", name="名单").click()
    await tray.get_by_role("link", name="03 03号候选人").click()
    await desktop.wait_for_url(site.page("/candidates/3"))
    await expect(desktop.locator(".choice-bar [name=choice]")).to_have_count(2)
    assert await desktop.evaluate(f"localStorage.getItem('choices:{SLUG}')") == "[3,11]"


async def test_a_profile_s_first_screen_holds_name_and_choice(phone: Page, site: Site) -> None:
    await phone.set_viewport_size({"width": 390, "height": 667})
    for language in ("zh", "en"):
        await phone.goto(site.page("/candidates/7", language=language))
        await expect(phone.locator(".choose")).to_be_visible()
        for factor in (1, 2):
            await scale_text(phone, factor)
            seen = await phone.evaluate(_FIRST_SCREEN)
            assert seen["portrait"] <= 0.45 * 667
            assert max(seen["name"], seen["choose"]) <= seen["bar"], (language, factor, seen)
