"""The way from the platform's link to the result in three engines, on a phone and on a desktop, and
in Chromium with each newer API missing."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route
from pydantic import SecretBytes
from redis.asyncio import Redis

from tests.browser.guard import Guard
from tests.browser.pages import DESKTOP, PHONE, open_page
from tests.browser.site import SLUG, Site, running_site
from tests.browser.walks.walk import walk
from tests.browser.walks.windows import (
    PlaywrightWindow,
    WebDriverWindow,
    firefox_window,
    webkit_window,
)
from tests.cut_data import MASTER_KEY
from tests.sites.public.information.test_cut_page import publish
from voting_service.antifraud.challenges import proof_of_work
from voting_service.antifraud.screening import rate_limits
from voting_service.contests.model import CutRules
from voting_service.settings import Settings
from voting_service.sites.public.request_signals import SenderReader

DEVICES = {"phone": PHONE, "desktop": DESKTOP}
WITHOUT = {
    "nothing missing": "",
    "requestSubmit": "delete HTMLFormElement.prototype.requestSubmit;",
    "Intl.Segmenter": "delete Intl.Segmenter;",
    "crypto.subtle": "delete Crypto.prototype.subtle;",
    "EventSource": "delete window.EventSource;",
    "IntersectionObserver": "delete window.IntersectionObserver;",
    # Observers are heard before the parser prepares a script; one without an address does nothing.
    "modules": """new MutationObserver((changes) => {
      for (const { addedNodes } of changes)
        for (const node of addedNodes)
          if (node.type === "module") node.removeAttribute("src");
    }).observe(document, { childList: true, subtree: true });""",
}
WITHOUT["all that have a way round"] = "".join(
    WITHOUT[name]
    for name in ("requestSubmit", "Intl.Segmenter", "EventSource", "IntersectionObserver")
)
"""On a phone each of them is missed by itself, on a desktop all at once."""
ON_A_DESKTOP = ("nothing missing", "crypto.subtle", "modules", "all that have a way round")
WALKS = [
    *((missing, "phone") for missing in WITHOUT if missing != "all that have a way round"),
    *((missing, "desktop") for missing in ON_A_DESKTOP),
]
GOES_ELSEWHERE = {"crypto.subtle", "modules"}
"""Whose browser cannot solve a challenge."""


@pytest.fixture(scope="module")
async def crowded_site(
    lasting_settings: Callable[[str], Awaitable[Settings]],
) -> AsyncIterator[Site]:
    """A contest in which every vote is asked for a challenge, and another one that is over."""
    settings = await lasting_settings("test_walks")
    settings = settings.model_copy(update={"master_key": SecretBytes(MASTER_KEY)})
    counters: Any = Redis.from_url(settings.valkey_url)
    await counters.flushall()  # those of an earlier file's contest would look like a loss
    await counters.aclose()
    origins = {"demo": ["https://platform.example"]}
    async with running_site(settings, platform_origins=origins) as site:
        site.subjects = itertools.count(3_000_000)
        await publish(site, CutRules(size=3, tie="committee"))
        contest_state = site.state.contest_state(SLUG)
        assert contest_state.keys.network is not None
        suspicious = settings.model_copy(update={"exempt_networks": ()})
        contest_state.senders = SenderReader(contest_state.keys.network, suspicious)
        with pytest.MonkeyPatch.context() as patch:
            rate = rate_limits.Rate(interval_ms=3_600_000, burst=1)
            patch.setattr(rate_limits, "NETWORK", rate)
            patch.setattr(proof_of_work, "HARD", 40)
            await site.cast([1])
            yield site


async def _without_crypto(route: Route) -> None:
    """A worker has a world of its own, which no init script reaches."""
    answer = await route.fetch()
    await route.fulfill(response=answer, body=WITHOUT["crypto.subtle"] + await answer.text())


@pytest.mark.parametrize(("missing", "device"), WALKS)
async def test_in_chromium(
    missing: str,
    device: str,
    whole_chromium: Browser,
    headless_shell: Browser,
    crowded_site: Site,
) -> None:
    """As people have it where nothing is missing; what is, is missed by the engine alone."""
    chromium = headless_shell if WITHOUT[missing] else whole_chromium
    guard = Guard(crowded_site.origin)
    guard.expect("status of 428")
    guard.expect("status of 409")
    async with AsyncExitStack() as stack:

        async def page() -> Page:
            return await stack.enter_async_context(open_page(chromium, guard, **DEVICES[device]))

        window = await page()
        if missing == "crypto.subtle":
            await window.route("**/altcha.pbkdf2.*", _without_crypto)
        elsewhere = PlaywrightWindow(await page()) if missing in GOES_ELSEWHERE else None
        await window.add_init_script(WITHOUT[missing])
        await walk(
            PlaywrightWindow(window),
            crowded_site,
            elsewhere=elsewhere,
            has_modules=missing != "modules",
        )
    assert guard.verdict() == []


@pytest.mark.parametrize("opening", [firefox_window, webkit_window])
async def test_in_another_engine(
    opening: Callable[[], AbstractAsyncContextManager[WebDriverWindow]], crowded_site: Site
) -> None:
    """On a phone and on a desktop, in one browser: to start it costs more than a walk."""
    async with opening() as window:
        for device in DEVICES.values():
            await window.resize(**device["viewport"])
            await window.goto(crowded_site.page())
            await window.forget()
            await walk(window, crowded_site)
