"""A vote that has its price, in Chromium: the widget pays it, or the page itself."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.guard import Guard
from tests.browser.site import SLUG, Site
from voting_service.antifraud.screening import rate_limits
from voting_service.sites.public.rendering import texts
from voting_service.sites.public.request_signals import SenderReader

RECEIPT = re.compile(r"/receipts/[0-9a-f]{32}")


@pytest.fixture
async def crowded(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site while this machine's own network, exempt no more, is over its rate."""
    contest_state = site.state.contest_state(SLUG)
    assert contest_state.keys.network is not None
    settings = site.settings.model_copy(update={"exempt_networks": ()})
    contest_state.senders = SenderReader(contest_state.keys.network, settings)
    monkeypatch.setattr(rate_limits, "NETWORK", rate_limits.Rate(interval_ms=3_600_000, burst=1))
    await site.cast([1])
    return site


async def to_the_review(page: Page, site: Site) -> None:
    await page.goto(site.sign_in_url(site.token()))
    await page.wait_for_url(site.page())
    for number in (3, 7):
        await page.locator(f"[data-choose='{number}']").click()
    await page.goto(site.page("/ballot"))
    await page.locator("main button[type=submit]").last.click()
    await page.wait_for_url(site.page("/ballot/review"))


async def test_the_widget_pays_and_the_vote_is_cast_by_itself(
    phone: Page, guard: Guard, crowded: Site
) -> None:
    workers: list[str] = []
    phone.on("worker", lambda worker: workers.append(worker.url))
    await to_the_review(phone, crowded)
    guard.expect("428")
    await phone.locator("[data-once]").click()
    await phone.wait_for_url(RECEIPT)
    assert any("altcha.pbkdf2" in url for url in workers)
    stored = await crowded.database.fetch("select choices, signals from ballots order by cast_at")
    assert [row["choices"] for row in stored] == [[1], [3, 7]]


async def test_a_web_view_without_workers_pays_in_the_page(
    phone: Page, guard: Guard, crowded: Site
) -> None:
    await phone.add_init_script("delete globalThis.Worker")
    await to_the_review(phone, crowded)
    guard.expect("428")
    await phone.locator("[data-once]").click()
    await phone.wait_for_url(RECEIPT)
    assert await crowded.database.fetchval("select count(*) from ballots") == 2


async def test_who_cannot_pay_is_shown_where_it_works(
    phone: Page, guard: Guard, crowded: Site
) -> None:
    await phone.add_init_script(
        "delete globalThis.Worker;"
        "Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true })"
    )
    await to_the_review(phone, crowded)
    guard.expect("428")
    await phone.locator("[data-once]").click()
    expected = texts("zh")["review"]["challenge"]
    await expect(phone.locator("[data-challenge] [role=status]")).to_have_text(
        expected["impossible"]
    )
    await expect(phone.get_by_role("heading", name=expected["title"])).to_be_visible()
    address = await phone.get_by_role("link", name=expected["elsewhere"]).get_attribute("href")
    assert address == f"/zh/{SLUG}/ballot?carried#choices=3.7"
    await assert_accessible(phone)
    assert await crowded.database.fetchval("select count(*) from ballots") == 1
    await phone.evaluate("localStorage.clear()")  # as in another browser
    await phone.context.clear_cookies()
    await phone.goto(crowded.url(address))
    await expect(phone.locator("[name=choice]:checked")).to_have_count(2)
    assert await phone.locator("[name=choice]:checked").evaluate_all(
        "boxes => boxes.map((box) => box.value).sort()"
    ) == ["3", "7"]
    used, ignored = phone.locator("[data-link=used]"), phone.locator("[data-link=ignored]")
    await expect(used).to_have_text(texts("zh")["ballot"]["from_link"])
    await phone.locator("[value='7']").uncheck()
    await phone.reload()
    await expect(phone.locator("[name=choice]:checked")).to_have_count(1)
    await expect(used).to_be_hidden()
    await expect(ignored).to_have_text(texts("zh")["ballot"]["link_ignored"])
    await phone.locator("[value='3']").uncheck()
    await phone.reload()
    await expect(ignored).to_be_visible()
    await expect(phone.locator("[name=choice]:checked")).to_have_count(0)
