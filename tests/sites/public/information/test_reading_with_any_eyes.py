"""Every page for reading under axe-core, with large text, with large fingers.

On a phone test_every_page_in_every_mode.py examines them with all of axe-core's rules; here are the
modes together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.accessibility import (
    OF_A_MODE,
    assert_accessible,
    assert_nothing_lost,
    scale_text,
    violations,
)
from tests.browser.guard import Guard
from tests.browser.site import SLUG, Site

PAGES = ("", "/candidates/7", "/standings", "/rules", "/cut", "/candidates/999")
MISSING = "/candidates/999"
CUT_ON_PURPOSE = ".card .line"

_SMALL = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), summary")]
  .filter((target) => target.checkVisibility() && !target.matches(".skip"))
  .map((target) => [target.getBoundingClientRect(), target])
  .filter(([box]) => box.width < 24 || box.height < 24)
  .map(([box, target]) => `${box.width} × ${box.height}: ${target.outerHTML.slice(0, 100)}`)"""


DARK = "document.documentElement.dataset.theme = 'dark'"
ELDER = "document.documentElement.dataset.size = 'elder'"
_ELDER_SIZES = """() => [getComputedStyle(document.body).fontSize,
  ...[...document.querySelectorAll("main button, main .button, .choice-bar button")]
    .filter((target) => target.checkVisibility()).map((target) => target.offsetHeight)]"""
_SMALL_TEXT = """() => [...document.querySelectorAll("body *:not(svg *, option)")]
  .filter((part) => [...part.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .filter((part) => part.checkVisibility() && !part.closest(".visually-hidden, noscript"))
  .map((part) => [parseFloat(getComputedStyle(part).fontSize), part.outerHTML.slice(0, 80)])
  .filter(([pixels]) => pixels < 24)"""
_HEAD_AND_BAR = """() => [...document.querySelectorAll("header.site, .choice-bar")]
  .reduce((height, part) => height + part.offsetHeight, 0)"""
_SIZE_AND_PAPER = """() => [getComputedStyle(document.documentElement)]
  .map((style) => `${style.fontSize} ${style.backgroundColor}`)[0]"""


async def _examine(
    page: Page, site: Site, guard: Guard, language: str, pages: Sequence[str] = PAGES
) -> None:
    guard.expect("status of 404")
    for below in pages:
        await page.goto(site.page(below, language=language))
        small: list[Any] = await page.evaluate(_SMALL)
        assert not small, f"{page.url}\n" + "\n".join(small)
        await assert_nothing_lost(page, ignore=CUT_ON_PURPOSE)
        await scale_text(page)
        await assert_nothing_lost(page, ignore=CUT_ON_PURPOSE)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_on_a_phone(phone: Page, site: Site, guard: Guard, language: str) -> None:
    """Also in the dark, and in elder mode: text from 18 points (24 px), controls from 60 px."""
    await site.crowd(3, [4, 5])
    await site.reconcile()
    receipt = f"/receipts/{(await site.cast([4]))['ballot']}"
    cookie = {"name": f"choice-{SLUG}", "value": "4.5", "url": site.origin}
    await phone.context.add_cookies([cookie])  # type: ignore[list-item]
    pages = [*PAGES, receipt, "/ballot/review"]
    await _examine(phone, site, guard, language, pages)
    for below in pages:
        await phone.goto(site.page(below, language=language))
        await phone.evaluate(DARK)
        await phone.evaluate(ELDER)
        assert not await violations(phone, OF_A_MODE)
        await assert_nothing_lost(phone, ignore=CUT_ON_PURPOSE)
        text, *heights = await phone.evaluate(_ELDER_SIZES)
        assert text == "24px"
        assert all(height >= 60 for height in heights), f"{below}: {heights}"
        small = await phone.evaluate(_SMALL_TEXT)
        assert not small, f"{below}: {small}"


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_on_a_desktop(desktop: Page, site: Site, guard: Guard, language: str) -> None:
    await _examine(desktop, site, guard, language)
    for below in PAGES:
        await desktop.goto(site.page(below, language=language))
        await assert_accessible(desktop)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_large_text_leaves_a_phone_its_screen(phone: Page, site: Site, language: str) -> None:
    """Head and bar take a third of the first screen at most, at twice the size of text."""
    await phone.set_viewport_size({"width": 390, "height": 667})
    for below in ("", "/candidates/7"):
        await phone.goto(site.page(below, language=language))
        await scale_text(phone)
        height = await phone.evaluate(_HEAD_AND_BAR)
        assert height <= 667 / 3, f"{below}: {height}"


async def test_the_reader_s_choice_stays(phone: Page, no_scripts: Page, site: Site) -> None:
    """With scripts at once and without a new page; without scripts by the same links."""
    light, dark = "rgb(255, 253, 249)", "rgb(25, 23, 21)"
    for page in (phone, no_scripts):
        await page.goto(site.page("/rules"))
        assert await page.evaluate(_SIZE_AND_PAPER) == f"16px {light}"
        await page.get_by_role("link", name="大字版").click()
        await page.get_by_role("link", name="标准版").wait_for()
        await page.get_by_role("link", name="深色").click()
        await page.get_by_role("link", name="浅色").wait_for()
        assert page.url == site.page("/rules")
        assert await page.evaluate(_SIZE_AND_PAPER) == f"24px {dark}"
        await page.goto(site.page("/standings"))
        assert await page.evaluate(_SIZE_AND_PAPER) == f"24px {dark}"
        await page.get_by_role("link", name="标准版").click()
        await page.get_by_role("link", name="大字版").wait_for()
        assert await page.evaluate(_SIZE_AND_PAPER) == f"16px {dark}"
