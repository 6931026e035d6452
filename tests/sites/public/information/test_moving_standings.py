"""The standings move while votes come in: over events, by polling, as the release allows."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from playwright.async_api import Page, Route, expect

from tests.browser.guard import Guard
from tests.browser.site import SLUG, Site
from tests.patience import eventually
from voting_service.contests.model import ReleaseSchedule
from voting_service.voting.tally.repository import take_snapshot

FIRST_IS = """([number, votes]) => {
  const row = document.querySelector("tbody tr[data-number]");
  return row?.dataset.number === String(number) &&
    row.querySelector("[data-votes]").textContent === votes;
}"""


async def first_is(page: Page, number: int, votes: str) -> None:
    """Waits until this candidate stands first."""
    await page.wait_for_function(FIRST_IS, arg=[number, votes])


async def release(site: Site, schedule: ReleaseSchedule) -> None:
    """Staff change the release schedule."""
    rules = msgspec.structs.replace(site.contest.rules, release=schedule)
    await site.change_contest(rules=msgspec.to_builtins(rules))
    await site.state.contest_state(SLUG).standings_cache.refresh()


async def test_votes_arrive_without_a_reload(phone: Page, site: Site) -> None:
    await phone.goto(site.page("/standings"))
    link = phone.get_by_role("link", name="07号候选人")
    await link.focus()
    await phone.evaluate("window.untouched = true")
    await site.crowd(3, [7, 9])
    await first_is(phone, 7, "3")
    assert await phone.locator("[data-ballots]").inner_text() == "3"
    assert await phone.locator("tr[data-number='9'] .rank").inner_text() == "1"
    assert await phone.locator("tr[data-number='1'] .rank").inner_text() == "3"
    await site.crowd(2, [9])
    await first_is(phone, 9, "5")
    assert await phone.locator("tr[data-number='9'] rect").get_attribute("width") == "1000"
    assert await phone.locator("tr[data-number='7'] rect").get_attribute("width") == "600"
    assert await link.evaluate("link => link === document.activeElement"), "the focus was lost"
    assert await phone.evaluate("window.untouched"), "the page was loaded again"


async def test_the_line_stays_below_the_last_who_goes_on(desktop: Page, site: Site) -> None:
    """Nobody has a rank before the first vote, and no line is drawn inside a tie."""
    await desktop.goto(site.page("/standings"))
    line = desktop.locator("tr.line")
    await expect(line).to_be_hidden()
    assert set(await desktop.locator(".rank").all_inner_texts()) == {"–"}
    for numbers in ([50, *range(1, 10)], list(range(10, 20)), list(range(20, 30))):
        await site.crowd(1, numbers)
    await site.crowd(1, [50])
    await first_is(desktop, 50, "2")
    await expect(line).to_be_visible()
    assert await desktop.locator(".rank").first.inner_text() == "1"
    gaps = desktop.locator("[data-gap]")
    assert await gaps.nth(0).inner_text() == "领先入围线 2 票"
    assert await gaps.nth(29).inner_text() == "领先入围线 1 票"
    assert await gaps.nth(30).inner_text() == "距入围线 1 票"
    assert await desktop.locator(".bar path").first.get_attribute("d") == "M500 0V10"
    moved = await desktop.locator("tbody").inner_text()
    await site.reconcile()
    await desktop.goto(site.page("/standings"))
    assert await desktop.locator("tbody").inner_text() == moved, "server and script differ"
    places = await desktop.evaluate(
        "() => [...document.querySelectorAll('tbody tr')].map((row) => row.className)"
    )
    assert places.index("line") == site.contest.rules.cut.size
    assert len(places) == 51


async def test_a_screen_reader_hears_of_it(phone: Page, site: Site) -> None:
    await phone.clock.install()
    await phone.goto(site.page("/standings", language="en"))
    status = phone.get_by_role("status")
    await phone.clock.run_for(60_000)
    assert await status.inner_text() == "", "nothing has changed yet"
    await site.crowd(4, [3])
    await first_is(phone, 3, "4")
    assert await status.inner_text() == "", "not at every vote"
    await phone.clock.run_for(15_000)
    assert await status.inner_text() == "Vote counts updated. 4 ballots have been counted."


async def test_polling_where_events_are_blocked(phone: Page, site: Site, guard: Guard) -> None:
    async def refuse(route: Route) -> None:
        await route.abort()

    await phone.route("**/standings/events", refuse)
    guard.expect("ERR_FAILED")
    await phone.goto(site.page("/standings"))
    await site.crowd(2, [12])
    await first_is(phone, 12, "2")


async def test_events_take_over_again_when_they_come_back(
    phone: Page, site: Site, guard: Guard
) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, headers={"retry-after": "1"})

    await phone.route("**/standings/events", refuse, times=1)
    guard.expect("status of 503")
    polled: list[str] = []
    phone.on("request", lambda request: polled.append(request.url))
    await phone.goto(site.page("/standings"))
    await site.crowd(2, [12])
    await first_is(phone, 12, "2")
    assert any(url.endswith("/standings") and "/api/" in url for url in polled)


async def test_a_page_that_nobody_looks_at_has_no_stream(phone: Page, site: Site) -> None:
    await phone.goto(site.page("/standings"))
    await eventually(lambda: site.state.streams.count == 1)

    async def turn(hidden: str) -> None:
        await phone.evaluate(
            "hidden => { Object.defineProperty(document, 'hidden',"
            " { configurable: true, get: () => hidden === 'true' });"
            " document.dispatchEvent(new Event('visibilitychange')); }",
            hidden,
        )

    await turn("true")
    await eventually(lambda: site.state.streams.count == 0)
    await site.crowd(2, [12])
    await turn("false")
    await first_is(phone, 12, "2")
    await eventually(lambda: site.state.streams.count == 1)


async def test_hidden_counts_are_nowhere_in_the_page(phone: Page, site: Site) -> None:
    await site.crowd(7, [7])
    await site.reconcile()
    await release(site, ReleaseSchedule(mode="hidden"))
    await phone.goto(site.page("/standings"))
    assert "票数在结果公布之前不公开" in await phone.locator("main").inner_text()
    assert await phone.locator("table").count() == 0
    assert "data-votes" not in await phone.content()


async def test_a_page_follows_a_schedule_that_changes(phone: Page, site: Site) -> None:
    await release(site, ReleaseSchedule(mode="hidden"))
    await phone.goto(site.page("/standings"))
    assert await phone.locator("table").count() == 0
    await site.crowd(2, [5])
    await release(site, ReleaseSchedule(mode="live"))
    await first_is(phone, 5, "2")


async def test_a_snapshot_stands_still_and_states_of_when_it_is(phone: Page, site: Site) -> None:
    await site.crowd(3, [7])
    await site.reconcile()
    moment = datetime.now(site.contest.zone).replace(second=0, microsecond=0)
    await take_snapshot(site.database, site.contest.id, moment.astimezone(UTC))
    await release(site, ReleaseSchedule(mode="daily", daily_at=moment.time()))
    shown = (await site.api.get(f"/api/v1/contests/{SLUG}/standings")).json()
    assert shown["release"] == "snapshot"
    await phone.goto(site.page("/standings"))
    notice = await phone.locator(".notice.info").inner_text()
    assert f"{moment:%H:%M}（北京时间）的票数" in notice
    before = await phone.locator("tbody").inner_text()
    await site.crowd(3, [8])
    await site.reconcile()
    await phone.reload()
    assert await phone.locator("tbody").inner_text() == before


async def test_without_scripts_there_is_a_button_to_look_again(
    no_scripts: Page, site: Site
) -> None:
    await no_scripts.goto(site.page("/standings"))
    await site.crowd(2, [30])
    await site.reconcile()
    await no_scripts.get_by_role("link", name="刷新票数").click()
    assert await no_scripts.locator("tbody tr").first.get_attribute("data-number") == "30"
