"""The page of components: in the demo, in every mode, under axe-core."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser

from tests.browser.accessibility import assert_accessible
from tests.browser.guard import Guard
from tests.browser.pages import DESKTOP, open_page
from tests.sites.console.running_staff_app import running_staff_app
from tests.sites.public.api.running_service import MovedClock
from voting_service.settings import Settings

PATH = "/console/components"


async def test_the_components_are_shown_in_the_demo(
    settings: Settings, clock: MovedClock, chromium: Browser, tmp_path: Path
) -> None:
    demo = settings.model_copy(update={"data": tmp_path})
    async with running_staff_app(demo, clock) as staff_app:
        guard = Guard(staff_app.origin)
        async with open_page(chromium, guard, **DESKTOP) as page:
            await staff_app.sign_in(page, "tally_clerk", PATH)
            for mode in ("", "dark", "elder"):
                await page.evaluate(
                    "mode => Object.assign(document.documentElement.dataset,"
                    " { theme: mode, size: mode })",
                    mode,
                )
                await assert_accessible(page)
            assert await page.locator(".notice").count() == 4
        assert guard.verdict() == []


async def test_they_are_nowhere_else(settings: Settings, clock: MovedClock) -> None:
    async with running_staff_app(settings, clock) as staff_app:
        client = await staff_app.signed_in_client("tally_clerk")
        assert (await client.get(PATH)).status_code == 404
