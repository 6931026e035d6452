"""The guide for engineers in a browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    scale_text,
    tab_to,
)
from tests.browser.site import Site


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_guide_reads_well_on_a_phone(language: str, phone: Page, site: Site) -> None:
    await phone.goto(site.url(f"/{language}/platforms"))
    assert await phone.get_by_role("heading", level=1).count() == 1
    await assert_accessible(phone)
    await scale_text(phone)
    await assert_nothing_lost(phone)


async def test_a_sample_is_copied_with_the_keyboard_and_that_is_said(
    desktop: Page, site: Site
) -> None:
    await desktop.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await desktop.goto(site.url("/en/platforms"))
    await tab_to(desktop, "Copy Python")
    await desktop.keyboard.press("Enter")
    await expect(desktop.get_by_role("status")).to_have_text("Copied")
    copied = await desktop.evaluate("navigator.clipboard.readText()")
    assert "def sign_in_url" in copied
    assert site.settings.public_url in copied


async def test_the_guide_works_without_scripts(no_scripts: Page, site: Site) -> None:
    await no_scripts.goto(site.url("/zh/platforms"))
    await expect(no_scripts.get_by_role("region", name="Python", exact=True)).to_contain_text(
        "sign_in_url"
    )
    assert await no_scripts.get_by_role("button").count() == 0
