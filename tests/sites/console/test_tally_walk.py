"""The live tally as people use it, in Chromium: from a peak down to its ballots."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.contest_data import store_platform
from tests.sites.console.running_staff_app import StaffApp
from tests.voting.tally.cast_ballots import (
    Cast,
    Field,
    open_field,
)

SLUG = "field"
BASE = f"/contests/{SLUG}"


async def live_field(staff_app: StaffApp) -> Field:
    """Open, with a peak of forty ballots two minutes ago."""
    far = datetime.now(UTC) + timedelta(days=2)
    made = await open_field(staff_app.database, SLUG, closes_at=far)
    platform = await store_platform(staff_app.database, "alpha")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    peak = now - timedelta(minutes=2)
    await made.add(
        staff_app.database,
        [
            *(Cast([1 + n % 4], peak - timedelta(minutes=n), platform) for n in range(30)),
            *(Cast([2], peak, platform, network=b"network1") for _ in range(40)),
            *(Cast([3], peak, platform, held=True) for _ in range(3)),
        ],
    )
    await staff_app.refresh()
    return made


async def test_from_a_peak_to_its_ballots(
    staff_app: StaffApp, desktop: Page, tmp_path: Path
) -> None:
    field = await live_field(staff_app)
    await staff_app.sign_in(desktop, "tally_clerk", BASE)
    minutes = desktop.locator("figure#minutes")
    await expect(minutes).to_have_attribute("data-drawn", "")
    await assert_accessible(desktop)

    # A vote that comes in shows by itself, and not while the page is paused.
    net = desktop.locator("[data-totals] [data-figure=net]")
    await expect(net).to_have_text("70")
    platform = field.cast[0].platform_id
    await field.add(staff_app.database, [Cast([6], datetime.now(UTC), platform)])
    await expect(net).to_have_text("71")
    await desktop.get_by_role("button", name="暂停刷新").press("Enter")
    await expect(desktop.get_by_role("button", name="继续刷新")).to_be_focused()

    # Hover tells the figures, the wheel zooms, the picture is one.
    drawing = minutes.locator(".drawing")
    await drawing.hover(position={"x": 600, "y": 120})
    painted = "(e) => e.closest('figure').chart.drawn.getZr().storage.getDisplayList()"
    texts = await drawing.evaluate(painted + ".map((each) => each.style?.text ?? '').join(' ')")
    assert "计入" in texts
    await desktop.mouse.wheel(0, -240)
    zoomed = "(e) => e.closest('figure').chart.drawn.getOption().dataZoom[0].start"
    assert await drawing.evaluate(zoomed) > 0
    async with desktop.expect_download() as saving:
        await minutes.get_by_role("button", name="保存图片").click()
    picture = tmp_path / "picture.png"
    await (await saving.value).save_as(picture)
    with Image.open(picture) as opened:
        assert opened.size[0] > 1000

    # The same figures as a table, and from the peak's row down to the ballots, by keyboard.
    await minutes.get_by_role("button", name="看表格").press("Enter")
    rows = minutes.locator("tbody tr")
    await expect(rows).to_have_count(180)
    peak = rows.filter(has=desktop.get_by_role("cell", name="41", exact=True))
    await peak.get_by_role("link").press("Enter")
    await desktop.wait_for_url("**/window?*")
    await assert_accessible(desktop)
    await expect(desktop.locator("[data-totals] [data-figure=held]")).to_have_text("3")
    await desktop.get_by_role("link", name=b"network1".hex()).first.click()
    await expect(desktop.locator("[data-ballots] tbody tr")).to_have_count(40)
    await expect(desktop.locator("[data-ballots] .state.counted")).to_have_count(40)
    details = json.loads(
        await staff_app.database.fetchval(
            "select details::text from audit_log where act = 'viewed' order by entry desc limit 1"
        )
    )
    assert details["network"] == b"network1".hex()


async def test_candidate_and_comparison_read_well_in_english(
    staff_app: StaffApp, desktop: Page
) -> None:
    await live_field(staff_app)
    await staff_app.sign_in(desktop, "auditor", BASE)
    await desktop.get_by_role("link", name="English").click()
    await expect(desktop.locator("figure#hours")).to_have_attribute("data-drawn", "")
    await assert_accessible(desktop)
    await desktop.locator("[data-candidates]").get_by_role("link", name="2 候选 2").click()
    await expect(desktop.locator("figure#hours")).to_have_attribute("data-drawn", "")
    await assert_accessible(desktop)
    compare = desktop.get_by_role("link", name="Compare with 1 候选 1")
    await compare.click()
    await expect(desktop.locator("figure#curves")).to_have_attribute("data-drawn", "")
    await assert_accessible(desktop)
    await expect(desktop.locator("main .notice")).to_have_text(
        "2 候选 2 is 40 votes ahead of 1 候选 1."
    )


async def test_exports_are_taken_from_the_page(staff_app: StaffApp, desktop: Page) -> None:
    field = await live_field(staff_app)
    await staff_app.sign_in(desktop, "auditor", f"{BASE}/exports")
    await assert_accessible(desktop)
    async with desktop.expect_download() as saving:
        ballots = desktop.get_by_role("link", name="下载 JSON（每行一条）").first
        await ballots.press("Enter")
    path = await (await saving.value).path()
    assert len(path.read_text(encoding="utf-8").splitlines()) == len(field.cast)
    await desktop.get_by_role("link", name="English").click()
    await desktop.get_by_role("checkbox", name="platform").check()
    async with desktop.expect_download() as saving:
        await desktop.get_by_role("button", name="Download CSV").click()
    tally = await saving.value
    assert re.fullmatch(r"测试-Tally-[0-9-]+\.csv", tally.suggested_filename)
    assert (await tally.path()).stat().st_size > 100
    await desktop.reload()
    await expect(desktop.locator("[data-recent] tbody tr")).to_have_count(2)
    await assert_accessible(desktop)
