"""Every page for reading under axe-core, with large text, with large fingers."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    scale_text,
)
from tests.browser.guard import Guard
from tests.browser.site import Site

PAGES = ("", "/candidates/7", "/standings", "/rules", "/cut", "/candidates/999")
MISSING = "/candidates/999"

_SMALL = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), summary")]
  .filter((target) => target.checkVisibility() && !target.matches(".skip"))
  .map((target) => [target.getBoundingClientRect(), target])
  .filter(([box]) => box.width < 24 || box.height < 24)
  .map(([box, target]) => `${box.width} × ${box.height}: ${target.outerHTML.slice(0, 100)}`)"""


async def _examine(page: Page, site: Site, guard: Guard, language: str) -> None:
    guard.expect("status of 404")
    for below in PAGES:
        await page.goto(site.page(below, language=language))
        await assert_accessible(page)
        small: list[Any] = await page.evaluate(_SMALL)
        assert not small, f"{page.url}\n" + "\n".join(small)
        await assert_nothing_lost(page)
        await scale_text(page)
        await assert_nothing_lost(page)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_on_a_phone(phone: Page, site: Site, guard: Guard, language: str) -> None:
    await site.crowd(3, [4, 5])
    await site.reconcile()
    await _examine(phone, site, guard, language)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_on_a_desktop(desktop: Page, site: Site, guard: Guard, language: str) -> None:
    await _examine(desktop, site, guard, language)
