"""Pages in windows of their own, watched and with a test's patience."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page

from tests.browser.chromium import TIMEOUT_MS
from tests.browser.guard import Guard

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}


@asynccontextmanager
async def open_page(chromium: Browser, guard: Guard, **options: Any) -> AsyncIterator[Page]:
    """Open a page, read in Chinese unless `options` name another locale; close it afterwards."""
    context = await chromium.new_context(**{"locale": "zh-CN", **options})
    try:
        context.set_default_timeout(TIMEOUT_MS)
        guard.watch(context)
        yield await context.new_page()
    finally:
        await context.close()


async def press_and_confirm(page: Page, act: str) -> None:
    """Press what asks first (signed_in/ask.html), by keyboard, and the button of its question."""
    await page.locator("details.ask summary", has_text=act).first.press("Enter")
    await page.locator("details.ask[open] button").first.press("Enter")
