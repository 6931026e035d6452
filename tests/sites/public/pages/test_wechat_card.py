"""Cards in WeChat: only where the setting is on, only in WeChat, and no page depends on it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, Route

from tests.browser.guard import Guard
from tests.browser.pages import PHONE, open_page
from tests.browser.site import SLUG, Site
from voting_service.infrastructure.http_clients.wechat_ticket import KEY, sign_page
from voting_service.settings import Settings
from voting_service.sites.public.rendering import STATIC
from voting_service.sites.public.state import WECHAT_SDK

SDK = "https://res.wx.qq.com"
PAGES = [f"/zh/{SLUG}", f"/zh/{SLUG}/candidates/7", f"/zh/{SLUG}/standings"]
WECHAT = "Mozilla/5.0 (Linux; Android 12) AppleWebKit/537.36 Mobile MicroMessenger/8.0.30"
FAKE_SDK = """window.wx = {
  config: (config) => { window.configured = config; }, ready: (then) => then(),
  updateAppMessageShareData: (card) => { window.card = card; }, updateTimelineShareData: () => {},
};"""


class TestWithoutTheSetting:
    async def test_nothing_of_it_is_there(self, site: Site) -> None:
        for path in PAGES:
            answer = await site.api.get(path)
            assert SDK not in answer.headers["content-security-policy"]
            assert "wechat_card" not in answer.text
        url = f"{site.origin}{PAGES[0]}"
        answer = await site.api.get("/wechat/signature", params={"url": url})
        assert answer.status_code == 404


class TestWithTheSetting:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"wechat_share_app_id": "wx520c15f417810387"})

    async def test_it_signs_our_pages_only(self, site: Site) -> None:
        ours = f"{site.settings.public_url}{PAGES[1]}?q=7"
        ask = "/wechat/signature"
        assert (await site.api.get(ask, params={"url": ours})).status_code == 503
        await site.state.valkey.command("SET", KEY, "TICKET", "EX", 60)
        answer = await site.api.get(ask, params={"url": ours})
        assert answer.headers["cache-control"] == "no-store"
        config = answer.json()
        assert config == {
            "appId": "wx520c15f417810387",
            "timestamp": config["timestamp"],
            "nonceStr": config["nonceStr"],
            "signature": sign_page(
                "TICKET", ours, nonce=config["nonceStr"], timestamp=config["timestamp"]
            ),
        }
        for other in ("", "https://other.example/", f"{ours}#x", ours + "x" * 3000):
            assert (await site.api.get(ask, params={"url": other})).status_code == 404

    async def test_prepared_pages_may_load_the_sdk_and_others_may_not(self, site: Site) -> None:
        for path in PAGES:
            answer = await site.api.get(path)
            assert f"script-src 'self' {WECHAT_SDK};" in answer.headers["content-security-policy"]
            assert "wechat_card" in answer.text
        assert f'"{WECHAT_SDK}"' in STATIC["wechat_card.js"].prepared.body.decode(), (
            "the one that is loaded"
        )
        for path in (f"/zh/{SLUG}/ballot", f"/zh/{SLUG}/rules", "/zh"):
            answer = await site.api.get(path)
            assert SDK not in answer.headers["content-security-policy"]
            assert "wechat_card" not in answer.text

    async def test_only_wechats_browser_loads_it(
        self, chromium: Browser, guard: Guard, phone: Page, site: Site
    ) -> None:
        requested: list[str] = []
        guard.allow_origin(SDK)

        async def give_sdk(route: Route) -> None:
            requested.append(route.request.url)
            await route.fulfill(content_type="text/javascript", body=FAKE_SDK)

        async def give_signature(route: Route) -> None:
            requested.append(route.request.url)
            await route.fulfill(json={"appId": "wx1", "signature": "s"})

        async with open_page(chromium, guard, **PHONE, user_agent=WECHAT) as wechat:
            for page in (phone, wechat):
                await page.route(f"{SDK}/**", give_sdk)
                await page.route("**/wechat/signature?**", give_signature)
            await phone.goto(f"{site.origin}{PAGES[1]}#story", wait_until="networkidle")
            assert requested == []
            await wechat.goto(f"{site.origin}{PAGES[1]}#story", wait_until="networkidle")
            card = await wechat.evaluate("window.card")
            assert card["title"].startswith("07号候选人")
            assert card["link"].endswith(PAGES[1])
            assert card["imgUrl"].endswith(".jpeg")
            assert len(requested) == 2
            assert requested[1].endswith(quote(f"{site.origin}{PAGES[1]}", safe=""))

            await wechat.unroute(f"{SDK}/**")
            await wechat.route(f"{SDK}/**", lambda route: route.abort())
            guard.expect("ERR_FAILED")
            await wechat.goto(f"{site.origin}{PAGES[0]}", wait_until="networkidle")
            assert await wechat.locator("[data-number]").count() >= 50, "the page works"
            assert await wechat.locator("body noscript").count() > 0, "and scripts run in it"
