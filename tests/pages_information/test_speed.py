"""The list on a cold phone at slow 4G: its weight, its largest paint, its stillness."""

from __future__ import annotations

from playwright.async_api import Page

from tests.browser.site import Site
from tests.browser.speed import vitals, watch_traffic


async def test_the_list_is_light_quick_and_still(phone: Page, site: Site) -> None:
    await site.api.get(site.page())  # rendered once, as for every visitor but one in a contest
    traffic = await watch_traffic(phone)
    await traffic.simulate()
    await phone.goto(site.page(), wait_until="networkidle")
    seen = await vitals(phone)
    assert await traffic.bytes_above_the_fold(phone) <= 300_000
    assert seen.largest_paint_ms < 1500, seen
    assert seen.layout_shift <= 0.02, seen


async def test_the_standings_move_nothing_but_rows(phone: Page, site: Site) -> None:
    await phone.goto(site.page("/standings"), wait_until="load")
    assert (await vitals(phone)).layout_shift <= 0.02
