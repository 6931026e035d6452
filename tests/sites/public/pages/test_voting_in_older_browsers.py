"""The way to the receipt in browsers that lack what older ones lack."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.guard import Guard
from tests.browser.older import WITHOUT, WithoutFetchMetadata
from tests.browser.serving import ForeignSite
from tests.browser.site import (
    SLUG,
    Site,
    running_site,
)
from tests.sites.public.pages.test_challenge_pages import crowded, to_the_review
from tests.sites.public.pages.test_voting_walks import entrance, kept
from voting_service.settings import Settings
from voting_service.sites.public import app as public_app

__all__ = ["crowded"]

RECEIPT = re.compile(r"/receipts/[0-9a-f]{32}")


@pytest.fixture
async def site(
    settings: Settings, platform_site: ForeignSite, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    """The service as browsers meet it that do not send Sec-Fetch-Site."""
    monkeypatch.setattr(
        "tests.sites.public.public_site.create_app",
        lambda *given: WithoutFetchMetadata(public_app.create_app(*given)),
    )
    async with running_site(settings, platform_origins={"demo": [platform_site.origin]}) as running:
        yield running


async def test_a_link_leads_to_a_vote_and_out_again(phone: Page, site: Site) -> None:
    await phone.add_init_script(WITHOUT)
    await phone.goto(site.sign_in_url(site.token()))
    await phone.wait_for_url(site.page())
    for number in (3, 7):
        await phone.locator(f"[data-choose='{number}']").click()
    assert await kept(phone) == [3, 7]
    await expect(phone.locator(".choice-bar [role=status]")).to_contain_text("2")
    await phone.locator("#review").click()
    await phone.wait_for_url(site.page("/ballot/review"))
    await phone.locator("[data-once]").click()
    await phone.wait_for_url(RECEIPT)
    assert await kept(phone) == []
    assert [row["choices"] for row in await site.database.fetch("select choices from ballots")] == [
        [3, 7]
    ]


async def test_a_module_that_does_not_run_leaves_the_way_without_scripts(
    phone: Page, guard: Guard, site: Site
) -> None:
    to_the_form = phone.locator(f"main a[href='/zh/{SLUG}/ballot']")
    await phone.goto(site.page())
    await expect(to_the_form).to_have_count(0)
    guard.expect("ERR_FAILED")
    guard.expect("Unexpected token")
    for run_nothing in (
        lambda route: route.abort(),
        lambda route: route.fulfill(content_type="text/javascript", body="class { #"),
    ):
        await phone.unroute_all()
        await phone.route("**/choose.*.js", run_nothing)
        await phone.goto(site.page())
        await expect(to_the_form).to_be_visible()


async def test_a_visitor_leaves(phone: Page, site: Site) -> None:
    await phone.goto(site.sign_in_url(site.token()))
    await phone.wait_for_url(site.page())
    for number in (3, 7):
        await phone.locator(f"[data-choose='{number}']").click()
    await phone.locator("#review").click()
    await phone.wait_for_url(site.page("/ballot/review"))
    await phone.locator(f"form[action$='/{SLUG}/leave'] button").click()
    await phone.wait_for_url(site.page())
    assert not [c for c in await phone.context.cookies() if "session" in str(c.get("name"))]


async def test_a_platform_s_page_that_names_no_referrer_sends_its_user_over(
    phone: Page, guard: Guard, site: Site, platform_site: ForeignSite
) -> None:
    guard.allow_origin(platform_site.origin)
    platform_site.headers["referrer-policy"] = "no-referrer"
    await phone.goto(platform_site.show(entrance(site, site.token())))
    await phone.get_by_role("button").click()
    await phone.wait_for_url(site.page())


@pytest.mark.parametrize(
    "lacking", ["", "delete globalThis.Worker;", "delete window.customElements;"]
)
async def test_a_solved_challenge_is_sent(
    lacking: str, phone: Page, guard: Guard, crowded: Site
) -> None:
    await phone.add_init_script(WITHOUT + lacking)
    if not lacking:
        guard.expect("replaceAll")  # the widget breaks, and the page works it out instead
    await to_the_review(phone, crowded)
    guard.expect("428")
    await phone.locator("[data-once]").click()
    await phone.wait_for_url(RECEIPT)
    assert await crowded.database.fetchval("select count(*) from ballots") == 2


async def test_a_widget_that_this_browser_cannot_read_is_replaced(
    phone: Page, guard: Guard, crowded: Site
) -> None:
    """Its syntax is newer than the floor: to such a browser the file is one syntax error."""
    await phone.route(
        "**/vendor/altcha.min*.js",
        lambda route: route.fulfill(content_type="text/javascript", body="class { #"),
    )
    await to_the_review(phone, crowded)
    guard.expect("428")
    await phone.locator("[data-once]").click()
    await phone.wait_for_url(RECEIPT)
    assert await crowded.database.fetchval("select count(*) from ballots") == 2
